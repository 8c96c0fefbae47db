"""What the pages share: frame, controls, live chart, code panel, experiments. Knows no topic."""
