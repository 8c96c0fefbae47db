// Draws a figure without axes, a card's, and without Plotly, whose script alone takes a browser a second: so the
// first page is there at once. It knows what cards are made of: lines, marks, texts, cells, pictures and shapes on
// linear axes whose ranges are given. Another kind of trace is an error, which the test of all cards sees.

function element(tag, attributes = {}, style = {}) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  Object.assign(node.style, style);
  return node;
}

// From each axis' numbers to pixels, by its name in traces: x, y, x2, ...
function scales(layout, width, height) {
  const { l, r, t, b } = layout.margin, found = {};
  for (const name of Object.keys(layout).filter(key => /^xaxis\d*$/.test(key))) {
    const id = name.slice(5), [x, y] = [layout[name], layout[`yaxis${id}`]];
    const across = (x.domain ?? [0, 1]).map(share => l + share * (width - l - r));
    const up = (y.domain ?? [0, 1]).map(share => height - b - share * (height - t - b));
    let [dx, dy] = [(across[1] - across[0]) / (x.range[1] - x.range[0]), (up[1] - up[0]) / (y.range[1] - y.range[0])];
    if (y.scaleanchor) {  // as many pixels a unit up as across, in the middle of the room
      const unit = Math.min(Math.abs(dx), Math.abs(dy));
      [dx, dy] = [unit * Math.sign(dx), unit * Math.sign(dy)];
    }
    const along = (room, range, step) => value => (room[0] + room[1]) / 2 + step * (value - (range[0] + range[1]) / 2);
    found[`x${id}`] = along(across, x.range, dx);
    found[`y${id}`] = along(up, y.range, dy);
  }
  return found;
}

const DASHES = { dash: [3, 2], dot: [1, 1] };
const stroked = ({ color = 'none', width = 2, dash } = {}) => ({ stroke: color, strokeWidth: `${width}px`, fill: 'none', strokeLinejoin: 'round',
  strokeDasharray: DASHES[dash]?.map(part => part * width * 1.5).join(' ') ?? '' });
const STAR = Array.from({ length: 10 }, (_, i) => {
  const far = i % 2 ? 0.38 : 1, turn = i * Math.PI / 5;
  return `${i ? 'L' : 'M'}${far * Math.sin(turn)},${-far * Math.cos(turn)}`;
}).join('') + 'Z';

const STILL = {
  scatter(trace, x, y, into) {
    const px = Float64Array.from(trace.x, value => x(number(value))), py = Float64Array.from(trace.y, value => y(number(value)));
    const { mode, marker = {}, textfont = {} } = trace;
    if (mode.includes('lines')) {
      const line = element('path', { d: lineOf(px, py, false, trace.fill === 'toself' ? 'Z' : '') }, stroked(trace.line));
      if (trace.fill === 'toself') line.style.fill = trace.fillcolor;
      into.append(line);
    }
    const each = (values, i) => isList(values) ? values[i] : values;
    if (mode.includes('markers')) px.forEach((left, i) => {
      const size = each(marker.size, i) / 2, star = each(marker.symbol, i) === 'star';
      const mark = element('path', { d: star ? STAR : disc(2 * size), transform: `translate(${left},${py[i]})${star ? `scale(${1.4 * size})` : ''}` });
      Object.assign(mark.style, stroked(marker.line), { fill: each(marker.color, i), vectorEffect: 'non-scaling-stroke' });
      into.append(mark);
    });
    if (mode.includes('text')) px.forEach((left, i) => {
      const text = element('text', { x: left, y: py[i], 'text-anchor': 'middle', 'dominant-baseline': 'central' });
      Object.assign(text.style, { fontSize: `${textfont.size}px`, fontFamily: '"Source Sans", sans-serif', fill: textfont.color });
      text.textContent = trace.text[i];
      into.append(text);
    });
  },

  heatmap(trace, x, y, into) {
    const cells = { x0: 0, dx: 1, y0: 0, dy: 1, ...trace }, { z } = cells, canvas = document.createElement('canvas');
    const picture = element('image', { preserveAspectRatio: 'none' }), across = { c2p: x }, up = { c2p: y };
    const color = scaled(cells.colorscale, cells.zmin, cells.zmax), flip = y(1) < y(0);
    lay(picture, cells, across, up, z[0].length, z.length);
    if (cells.xgap || cells.ygap) drawCells(canvas, picture, cells, cells, color, across, up, flip); else drawPixels(canvas, z, color, flip);
    picture.setAttribute('href', canvas.toDataURL());
    into.append(picture);
  },

  // Bands between the levels, from twice as many points as there are, straight between these.
  contour(trace, x, y, into) {
    const { start, end, size } = trace.contours, [rows, columns] = [trace.z.length, trace.z[0].length], fine = 2;
    const at = (place, most) => [Math.min(most - 2, Math.floor(place)), place - Math.min(most - 2, Math.floor(place))];
    const z = Array.from({ length: fine * (rows - 1) + 1 }, (_, k) => {
      const [i, u] = at(k / fine, rows);
      return Float32Array.from({ length: fine * (columns - 1) + 1 }, (_, m) => {
        const [j, v] = at(m / fine, columns), [low, high] = [trace.z[i], trace.z[i + 1]];
        const value = (1 - u) * ((1 - v) * low[j] + v * low[j + 1]) + u * ((1 - v) * high[j] + v * high[j + 1]);
        return start + size * Math.floor((value - start) / size);
      });
    });
    const step = places => (places[places.length - 1] - places[0]) / (places.length - 1) / fine;
    STILL.heatmap({ z, x0: trace.x[0], dx: step(trace.x), y0: trace.y[0], dy: step(trace.y), colorscale: trace.colorscale,
      zmin: start - size, zmax: end }, x, y, into);
  },

  image(trace, x, y, into) {
    const picture = element('image', { preserveAspectRatio: 'none', href: trace.source });
    lay(picture, trace, { c2p: x }, { c2p: y }, ...sizeOf(trace.source));
    into.append(picture);
  },
};

function drawStill(plot, { data, layout }) {
  const { clientWidth: width, clientHeight: height } = plot;
  const to = scales(layout, width, height), page = element('svg', { width, height, 'aria-hidden': true });
  for (const { xref, yref, x, y, sizex, sizey, source } of layout.images ?? []) {
    const long = (axis, size) => Math.abs(to[axis](size) - to[axis](0));  // from the upper left corner
    page.append(element('image', { x: to[xref](x), y: to[yref](y), width: long(xref, sizex), height: long(yref, sizey),
      preserveAspectRatio: 'none', href: source }));
  }
  for (const trace of data) STILL[trace.type](trace, to[trace.xaxis ?? 'x'], to[trace.yaxis ?? 'y'], page);
  for (const shape of layout.shapes ?? []) {
    const path = element('path', { d: pathOf(shape, to[shape.xref ?? 'x'], to[shape.yref ?? 'y']) }, stroked(shape.line));
    path.style.fill = shape.fillcolor ?? 'none';
    page.append(path);
  }
  plot.replaceChildren(page);
}
