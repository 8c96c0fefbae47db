// Moves what Plotly has drawn, without Plotly. To redraw a chart whose numbers have changed takes Plotly 30 to 60 ms,
// whatever has changed; to move the lines, marks, bars, cells, shapes and texts that it has drawn takes one or two.
// So while a chart is dragged or played each picture is moved here; once it rests, Plotly draws it (chart.js), and
// whatever this file cannot move (other axes, more traces, contours, three dimensions) Plotly draws at once.

// Seen only by hovering, at rest, or of no matter to the eye.
const UNSEEN = new Set(['customdata', 'hovertemplate', 'hovertext', 'hoverinfo', 'ids', 'meta', 'text']);

const isList = value => ArrayBuffer.isView(value) || Array.isArray(value);
const holdsObjects = value => Array.isArray(value) && value.some(item => item && typeof item === 'object' && !isList(item));

function same(a, b) {
  if (a === b || (a !== a && b !== b)) return true;
  if (!isList(a) || !isList(b) || a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (!same(a[i], b[i])) return false;
  return true;
}

// A copy that shares lists, which nobody writes into, but no objects.
function snapshot(node) {
  if (holdsObjects(node)) return node.map(snapshot);
  if (!node || typeof node !== 'object' || isList(node)) return node;
  return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, value && typeof value === 'object' ? snapshot(value) : value]));
}

// The leaves in which `wanted` differs from `shown`, as [path, value], or null where they are not of one structure.
// Lists that are equal become the same object, by which Plotly, too, knows that nothing has changed.
function differences(shown, wanted, path = [], found = []) {
  const keys = Object.keys(wanted);
  if (keys.length !== Object.keys(shown).length) return null;
  for (const key of keys) {
    const a = shown[key], b = wanted[key];
    if (a === b) continue;
    if (!(key in shown)) return null;
    if (a && b && typeof a === 'object' && typeof b === 'object' && (holdsObjects(b) || !isList(b))) {
      if (isList(a) !== isList(b) || !differences(a, b, [...path, key], found)) return null;
    } else if (same(a, b)) wanted[key] = a;
    else found.push([[...path, key], b]);
  }
  return found;
}

// ---- positions ----------------------------------------------------------------------------------

const axisOf = (gd, name) => gd._fullLayout[name.replace(/^([xy])(\d*).*/, '$1axis$2')];
const number = value => value === null || value === undefined ? NaN : value;
const clipped = pixel => Math.max(-1e5, Math.min(1e5, pixel)).toFixed(2);

function pixels(axis, values) {
  const found = new Float64Array(values.length);
  for (let i = 0; i < values.length; i++) found[i] = axis.d2p(number(values[i]));
  return found;
}

// What turns a shape's or annotation's coordinate along `side` into pixels of the whole chart.
function along(gd, item, side) {
  const ref = item[`${side}ref`] ?? side;
  const { l, t, w, h } = gd._fullLayout._size;
  if (ref === 'paper') return side === 'x' ? v => l + w * v : v => t + h * (1 - v);
  const axis = axisOf(gd, ref);
  if (!axis) return null;
  const place = ref.endsWith('domain')
    ? v => axis._offset + axis._length * (side === 'x' ? v : 1 - v)
    : v => axis._offset + axis.r2p(axis.type === 'log' && item.type ? axis.d2r(v) : v);
  if (item[`${side}sizemode`] !== 'pixel') return place;
  const anchor = place(item[`${side}anchor`]);
  return v => side === 'x' ? anchor + v : anchor - v;
}

// ---- scatter ------------------------------------------------------------------------------------

function lineOf(xs, ys, step, end = '') {
  let path = '', first = -1;
  for (let i = 0; i <= xs.length; i++) {
    if (i < xs.length && xs[i] === xs[i] && ys[i] === ys[i]) {
      const x = clipped(xs[i]), y = clipped(ys[i]);
      if (first < 0) { first = i; path += `M${x},${y}`; } else path += step ? `H${x}V${y}` : `L${x},${y}`;
    } else if (first >= 0) {
      path += typeof end === 'function' ? end(first, i - 1) : end;
      first = -1;
    }
  }
  return path || 'M0,0';
}

const disc = size => { const r = (size / 2).toFixed(2); return `M${r},0A${r},${r} 0 1,1 0,-${r}A${r},${r} 0 0,1 ${r},0Z`; };
const hide = (node, hidden) => { if (hidden) node.setAttribute('display', 'none'); else node.removeAttribute('display'); };

// Each mover looks first whether it can, and returns what then moves; null where Plotly has to draw.
function scatter(gd, index, trace, changed) {
  const full = gd._fullData[index], group = gd.calcdata[index][0].node3?.node();
  if (!group || full.visible !== true) return null;
  const has = name => (full.mode ?? '').includes(name);
  const steps = [];
  const moved = changed.has('x') || changed.has('y') || changed.has('x0') || changed.has('dx');
  const xs = trace.x ?? Array.from({ length: trace.y?.length ?? 0 }, (_, i) => number(trace.x0 ?? 0) + i * number(trace.dx ?? 1));
  if (moved) {
    const xa = axisOf(gd, full.xaxis), ya = axisOf(gd, full.yaxis);
    const px = pixels(xa, xs), py = pixels(ya, trace.y);
    const shape = full.line?.shape ?? 'linear';
    if (has('lines')) {
      const lines = group.querySelectorAll(':scope > .lines > path.js-line');
      const empty = !px.some((x, i) => x === x && py[i] === py[i]);  // Plotly draws no path for it
      if ((!lines.length && !empty) || !['linear', 'hv'].includes(shape)) return null;
      steps.push(() => lines.forEach((line, i) => line.setAttribute('d', i ? 'M0,0' : lineOf(px, py, shape === 'hv'))));
    }
    const own = full._ownFill?.node?.();
    if (full.fill === 'toself' && own) steps.push(() => own.setAttribute('d', lineOf(px, py, false, 'Z')));
    else if ((full.fill === 'tozeroy' || (full.fill === 'tonexty' && !full._prevtrace)) && own) {
      const floor = clipped(ya.type === 'log' ? ya._length : ya.d2p(0));
      steps.push(() => own.setAttribute('d', lineOf(px, py, shape === 'hv', (a, b) => `L${clipped(px[b])},${floor}L${clipped(px[a])},${floor}Z`)));
    } else if (full.fill && full.fill !== 'none' && full.fill !== 'tonexty') return null;
    if (has('markers')) {
      const marks = [...group.querySelectorAll(':scope > .points > path.point')];
      const at = [];
      for (let i = 0; i < px.length; i++) if (px[i] === px[i] && py[i] === py[i]) at.push(i);
      if (at.length !== marks.length && (!marks.length || isList(trace.marker?.color))) return null;
      steps.push(() => {
        while (marks.length < at.length) marks.push(another(marks.at(-1)));
        marks.forEach((mark, i) => {
          hide(mark, i >= at.length);
          if (i < at.length) mark.setAttribute('transform', `translate(${clipped(px[at[i]])},${clipped(py[at[i]])})`);
        });
      });
    }
    if (has('text')) {
      const texts = group.querySelectorAll(':scope > .text > g.textpoint');
      if (texts.length !== px.length) return null;
      steps.push(() => texts.forEach((text, i) => shift(text, px[i], py[i], xa, ya, gd.calcdata[index][i])));
    }
  }
  for (const attribute of changed) {
    switch (attribute) {
      case 'x': case 'y': case 'x0': case 'dx': break;
      case 'opacity': steps.push(() => { group.style.opacity = trace.opacity; }); break;
      case 'line.color': steps.push(() => group.querySelectorAll('.js-line').forEach(line => paint(line, 'stroke', trace.line.color))); break;
      case 'line.width': steps.push(() => group.querySelectorAll('.js-line').forEach(line => { line.style.strokeWidth = `${trace.line.width}px`; })); break;
      case 'fillcolor': {
        const own = full._ownFill?.node?.();
        if (!own) return null;
        steps.push(() => paint(own, 'fill', trace.fillcolor));
        break;
      }
      case 'marker.color': case 'marker.size': {
        const marks = [...group.querySelectorAll(':scope > .points > path.point')].filter(mark => !mark.hasAttribute('display'));
        const values = attribute === 'marker.color' ? trace.marker.color : trace.marker.size;
        if (isList(values) && values.length !== marks.length) return null;
        const of = i => isList(values) ? values[i] : values;
        if (attribute === 'marker.size') {
          if ((full.marker.symbol ?? 'circle') !== 'circle') return null;
          steps.push(() => marks.forEach((mark, i) => mark.setAttribute('d', disc(of(i)))));
        } else {
          const color = typeof of(0) === 'number' ? scaled(full.marker.colorscale, trace.marker.cmin, trace.marker.cmax) : c => c;
          if (!color) return null;
          steps.push(() => marks.forEach((mark, i) => paint(mark, 'fill', color(of(i)))));
        }
        break;
      }
      case 'text': {
        if (!has('text')) break;
        const texts = group.querySelectorAll(':scope > .text > g.textpoint > text');
        const values = trace.text;
        if (isList(values) && values.length !== texts.length) return null;
        steps.push(() => texts.forEach((text, i) => write(text, isList(values) ? values[i] : values)));
        break;
      }
      default: return null;
    }
  }
  return () => steps.forEach(step => step());
}

// A mark more than Plotly has drawn.
function another(mark) {
  const more = mark.cloneNode(true);
  more.classList.add('quick');
  mark.after(more);
  return more;
}

// A text moves as far as its point has moved since Plotly drew it.
function shift(node, x, y, xa, ya, drawn) {
  const now = node.getAttribute('transform') ?? '';
  if (node.quick?.mine !== now) node.quick = { base: now, x: xa.c2p(drawn.x), y: ya.c2p(drawn.y) };
  node.quick.mine = `translate(${clipped(x - node.quick.x)},${clipped(y - node.quick.y)})${node.quick.base}`;
  node.setAttribute('transform', node.quick.mine);
}

// The area between a line and the one before it belongs to the latter in Plotly's page.
function between(gd, index, wanted) {
  const full = gd._fullData[index], before = full._prevtrace, area = before?._nextFill?.node?.();
  if (!area) return null;
  const places = ({ index: i, xaxis, yaxis }) => ['x', 'y'].map(side =>
    pixels(axisOf(gd, side === 'x' ? xaxis : yaxis), wanted.data[i][side]));
  return () => {
    const [x, y] = places(full), [u, v] = places(before);
    area.setAttribute('d', `${lineOf(x, y, false)}${lineOf(u.reverse(), v.reverse(), false).replace('M', 'L')}Z`);
  };
}

// ---- bars, cells, pictures ----------------------------------------------------------------------

function bar(gd, index, trace, changed) {
  const full = gd._fullData[index], drawn = gd.calcdata[index], group = drawn[0].node3?.node();
  if (!group || full.orientation === 'h' || gd._fullLayout.barmode === 'stack') return null;
  const points = [...group.querySelectorAll(':scope > .points > .point')];
  if (points.length !== drawn.length || trace.y?.length !== drawn.length) return null;
  const steps = [];
  for (const attribute of changed) {
    if (attribute === 'y') {
      const xa = axisOf(gd, full.xaxis), ya = axisOf(gd, full.yaxis);
      for (let i = 0; i < points.length; i++) {
        const path = points[i].querySelector('path'), text = points[i].querySelector('text');
        const base = number(drawn[i].b ?? 0), y = number(trace.y[i]);
        if (!path || (text && Math.sign(y) !== Math.sign(drawn[i].s))) return null;
        const [x0, x1] = [xa.c2p(drawn[i].p0, true), xa.c2p(drawn[i].p1, true)];
        const [y0, y1] = [ya.c2p(base, true), ya.d2p(base + y)];
        steps.push(() => {
          path.setAttribute('d', y1 === y1 ? `M${x0},${y0}V${clipped(y1)}H${x1}V${y0}Z` : 'M0,0Z');
          if (text) shift(text, 0, y1, { c2p: () => 0 }, ya, { y: base + drawn[i].s });
        });
      }
    } else if (attribute === 'text') {
      const texts = points.map(point => point.querySelector('text'));
      if (!texts.some(Boolean)) continue;
      if (!texts.every(Boolean) || !isList(trace.text)) return null;
      steps.push(() => texts.forEach((text, i) => write(text, trace.text[i])));
    } else if (attribute === 'marker.color') {
      const values = trace.marker.color;
      steps.push(() => points.forEach((point, i) => paint(point.querySelector('path'), 'fill', isList(values) ? values[i] : values)));
    } else return null;
  }
  return () => steps.forEach(step => step());
}

// The pixels from edge to edge of so many columns, or rows, in the direction of an axis, the smaller first.
function edges(axis, from, step, count) {
  const found = Float64Array.from({ length: count + 1 }, (_, i) => axis.c2p(from + (i - 0.5) * step));
  return found[0] > found[count] ? found.reverse() : found;
}

const PLACE = ['x0', 'dx', 'y0', 'dy'];

// Puts a node over its columns and rows; nothing to do where they are given by a list of places, which stay.
function lay(node, trace, across, up, columns, rows) {
  if (trace.x0 === undefined) return;
  const x = edges(across, trace.x0, trace.dx, columns), y = edges(up, trace.y0, trace.dy, rows);
  for (const [name, value] of Object.entries({ x: x[0], y: y[0], width: Math.round(x[columns] - x[0]), height: Math.round(y[rows] - y[0]) }))
    node.setAttribute(name, value);
}

function heatmap(gd, index, trace, changed) {
  const full = gd._fullData[index], group = gd.calcdata[index][0].node3?.node(), image = group?.querySelector('image');
  if (!image || (full.zsmooth && full.zsmooth !== 'fast')) return null;
  if ([...changed].some(attribute => !['z', 'zmin', 'zmax', 'text', 'texttemplate', ...PLACE].includes(attribute))) return null;
  const z = trace.z, [rows, columns] = [z.length, z[0].length], gaps = full.xgap || full.ygap, placed = trace.x0 !== undefined;
  const color = scaled(full.colorscale, trace.zmin ?? (full.zauto ? undefined : full.zmin), trace.zmax ?? (full.zauto ? undefined : full.zmax));
  if (!color || (!placed && (gaps || full.texttemplate || rows !== full.z.length || columns !== full.z[0].length))) return null;
  if (trace.texttemplate && !textOf(trace)) return null;
  const up = axisOf(gd, full.yaxis), across = axisOf(gd, full.xaxis);
  const flip = (up.range[0] < up.range[1]) === ((trace.dy ?? full.dy ?? 1) > 0), mirror = across.range[0] > across.range[1];
  if (!even(full.x) || !even(full.y) || mirror) return null;
  return () => {
    lay(image, trace, across, up, columns, rows);
    const canvas = document.createElement('canvas');
    if (gaps) drawCells(canvas, image, trace, full, color, across, up, flip); else drawPixels(canvas, z, color, flip);
    if (!gaps) image.style.imageRendering = 'pixelated';
    image.setAttributeNS('http://www.w3.org/1999/xlink', 'xlink:href', canvas.toDataURL());
    if (placed) drawLabels(group, gd, trace, full, color, across, up);
  };
}

function drawPixels(canvas, z, color, flip) {
  [canvas.width, canvas.height] = [z[0].length, z.length];
  const context = canvas.getContext('2d'), picture = context.createImageData(canvas.width, canvas.height);
  for (let row = 0, to = 0; row < z.length; row++) {
    const line = z[flip ? z.length - 1 - row : row];
    for (let column = 0; column < line.length; column++, to += 4) {
      const value = number(line[column]);
      if (value !== value) continue;
      const [r, g, b, a] = color(value, true);
      picture.data[to] = r; picture.data[to + 1] = g; picture.data[to + 2] = b; picture.data[to + 3] = a;
    }
  }
  context.putImageData(picture, 0, 0);
}

function drawCells(canvas, image, trace, full, color, across, up, flip) {
  const { z, x0, dx, y0, dy } = trace, { xgap = 0, ygap = 0 } = full;
  const x = edges(across, x0, dx, z[0].length), y = edges(up, y0, dy, z.length);
  [canvas.width, canvas.height] = [image.getAttribute('width'), image.getAttribute('height')];
  const context = canvas.getContext('2d'), whole = (places, i) => Math.round(places[i] - places[0]);
  z.forEach((line, row) => {
    const k = flip ? z.length - 1 - row : row, top = whole(y, k), height = whole(y, k + 1) - top;
    for (let column = 0; column < line.length; column++) {
      const value = number(line[column]), left = whole(x, column);
      if (value !== value) continue;
      context.fillStyle = color(value);
      context.fillRect(left + (xgap >> 1), top + (ygap >> 1), whole(x, column + 1) - left - xgap, height - ygap);
    }
  });
}

// What stands in a cell: its text, or its value in so many digits, without zeros at the end; null for other templates.
function textOf({ texttemplate, text, z }) {
  if (texttemplate === '%{text}') return (row, column) => String(text[row]?.[column] ?? '');
  const [, digits] = texttemplate.match(/^%\{z:\.(\d)~g\}$/) ?? [];
  return digits && ((row, column) => !Number.isFinite(z[row][column]) ? '' : z[row][column].toPrecision(digits).replace(/(\.\d*?)0+(?=e|$)/, '$1').replace(/\.(?=e|$)/, '').replace('-', '−'));
}

// The texts in the cells, as large as fits, light on dark and dark on light.
function drawLabels(group, gd, trace, full, color, across, up) {
  const old = [...group.querySelectorAll(':scope > .heatmap-label')], labels = [];
  const text = trace.texttemplate && textOf(trace);
  if (text) trace.z.forEach((line, row) => line.forEach((z, column) => {
    const told = text(row, column), lines = told.split('<br>');
    if (told) labels.push({ text: told, value: number(z), lines: lines.length, letters: Math.max(...lines.map(each => each.length)),
      x: Math.round(across.c2p(trace.x0 + column * trace.dx)), y: Math.round(up.c2p(trace.y0 + row * trace.dy)) });
  }));
  const { font } = gd._fullLayout, own = full.textfont ?? {};
  const room = (step, axis, gap, count) => (Math.abs(axis.c2p(step) - axis.c2p(0)) - gap) / count;
  const most = name => Math.max(1, ...labels.map(label => label[name]));
  const size = own.size > 0 ? own.size : Math.floor(Math.min(font.size, room(trace.dx, across, full.xgap ?? 0, most('letters')) / 0.65,
    room(trace.dy, up, full.ygap ?? 0, most('lines')) / 1.3));
  labels.splice(size > 0 ? labels.length : 0);
  while (old.length > labels.length) old.pop().remove();
  labels.forEach(({ text, value, lines, x, y }, i) => {
    if (!old[i]) group.append(old[i] = old[0]?.cloneNode(true) ?? label(font));
    const node = old[i].querySelector('text');
    node.setAttribute('x', x);
    node.setAttribute('y', y - size * (lines * 0.65 - 1));
    node.style.fontSize = `${size}px`;
    paint(node, 'fill', typeof own.color === 'string' && own.color !== 'auto' ? own.color : readable(value === value ? color(value, true) : null));
    write(node, text);
  });
}

function label({ family, color }) {
  const group = document.createElementNS(SVG, 'g'), node = document.createElementNS(SVG, 'text');
  group.setAttribute('class', 'heatmap-label');
  node.setAttribute('text-anchor', 'middle');
  Object.assign(node.style, { fontFamily: family, fill: color, whiteSpace: 'pre' });
  group.append(node);
  return group;
}

// From 0, black, to 1, white, by WCAG's definition.
function luminance(rgb) {
  const light = channel => channel <= 10 ? channel / 3294.6 : ((channel / 255 + 0.055) / 1.055) ** 2.4;
  return 0.2126 * light(rgb[0]) + 0.7152 * light(rgb[1]) + 0.0722 * light(rgb[2]);
}

// White or dark gray, whichever has more contrast with a cell of that color; in a cell without one dark gray.
const readable = rgb => rgb && luminance(rgb) < 0.2864 ? '#FFF' : '#444';

const even = places => {
  if (!places || places.length < 3) return true;
  const step = places[1] - places[0];
  return [...places].every((place, i) => !i || Math.abs(place - places[i - 1] - step) < 1e-4 * Math.abs(step));
};

function image(gd, index, trace, changed) {
  const node = gd.calcdata[index][0].node3?.node()?.querySelector('image'), full = gd._fullData[index];
  if (!node || [...changed].some(attribute => ![...PLACE, 'source'].includes(attribute))) return null;
  const size = sizeOf(trace.source);
  if (!size && changed.size > 1) return null;
  return () => {
    if (size) lay(node, trace, axisOf(gd, full.xaxis), axisOf(gd, full.yaxis), ...size);
    node.setAttributeNS('http://www.w3.org/1999/xlink', 'xlink:href', trace.source);
  };
}

// Width and height of a PNG or a JPEG, from its head; null for others.
function sizeOf(source) {
  const [, kind, data] = source.match(/^data:image\/(png|jpeg);base64,(.{0,1200})/) ?? [];
  if (!kind) return null;
  const head = bytes(data.slice(0, data.length - data.length % 4));
  const two = i => 256 * head[i] + head[i + 1];
  if (kind === 'png') return [two(18), two(22)];
  for (let i = 2; head[i] === 0xFF; i += 2 + two(i + 2))  // from segment to segment, to that of the frame
    if (head[i + 1] >= 0xC0 && head[i + 1] <= 0xC2) return [two(i + 7), two(i + 5)];
  return null;
}

// ---- colors and texts ---------------------------------------------------------------------------

function paint(node, what, color) {
  node.style[what] = color;
  node.style[`${what}Opacity`] = 1;
}

const channels = hex => [1, 3, 5, 7].map(i => i < hex.length ? parseInt(hex.slice(i, i + 2), 16) : 255);

// A color for each value by a scale of [[0, '#rrggbb'], ...]; null where the scale or its ends are not known.
function scaled(scale, low, high) {
  if (!Array.isArray(scale) || !(low < high) || !scale.every(([, color]) => /^#[0-9a-f]{6,8}$/i.test(color))) return null;
  const stops = scale.map(([at, color]) => [at, channels(color)]);
  const table = Array.from({ length: 256 }, (_, i) => {
    const at = i / 255, next = Math.max(1, stops.findIndex(([stop]) => stop >= at));
    const [a, from] = stops[next - 1], [b, to] = stops[next];
    const share = b > a ? (at - a) / (b - a) : 1;
    return from.map((channel, c) => Math.round(channel + share * (to[c] - channel)));
  });
  return (value, numbers) => {
    const found = table[Math.max(0, Math.min(255, Math.round(255 * (value - low) / (high - low))))];
    return numbers ? found : `rgba(${found[0]},${found[1]},${found[2]},${found[3] / 255})`;
  };
}

const SVG = 'http://www.w3.org/2000/svg';
const STYLES = { B: ['font-weight', 'bold'], I: ['font-style', 'italic'], EM: ['font-style', 'italic'],
                 SUB: ['font-size', '70%'], SUP: ['font-size', '70%'] };

// Writes Plotly's pseudo-HTML (b, i, br, sub, sup, span with a color) into a text that Plotly has drawn.
function write(node, text) {
  text = text === null || text === undefined ? '' : String(text);
  const x = node.getAttribute('x') ?? 0, y = node.getAttribute('y') ?? 0;
  const lines = text.split(/<br\s*\/?>/i);
  node.replaceChildren(...lines.map((line, i) => {
    const plain = !/[<&]/.test(line);
    if (plain && lines.length === 1) return document.createTextNode(line);
    const row = document.createElementNS(SVG, 'tspan');
    row.setAttribute('class', 'line');
    row.setAttribute('dy', `${1.3 * i}em`);
    row.setAttribute('x', x);
    row.setAttribute('y', y);
    if (plain) row.append(line); else spans(new DOMParser().parseFromString(line, 'text/html').body, row);
    return row;
  }));
}

function spans(from, to) {
  for (const child of from.childNodes) {
    if (child.nodeType === Node.TEXT_NODE) { to.append(child.data); continue; }
    const span = document.createElementNS(SVG, 'tspan');
    if (STYLES[child.tagName]) span.style.setProperty(...STYLES[child.tagName]);
    if (child.tagName === 'SUB' || child.tagName === 'SUP') span.style.baselineShift = child.tagName.toLowerCase();
    if (child.style?.color) span.style.fill = child.style.color;
    if (child.style?.fontSize) span.style.fontSize = child.style.fontSize;
    spans(child, span);
    to.append(span);
  }
}

// ---- what lies on the axes ----------------------------------------------------------------------

function shape(gd, index, item, changed) {
  const node = gd.querySelector(`.shapelayer path[data-index="${index}"]`);
  if (!node) return null;
  const steps = [];
  const x = along(gd, item, 'x'), y = along(gd, item, 'y');
  if (!x || !y) return null;
  for (const attribute of changed) {
    if (['x0', 'x1', 'y0', 'y1', 'path', 'xanchor', 'yanchor'].includes(attribute)) {
      const path = pathOf(item, x, y);
      if (!path) return null;
      steps.push(() => node.setAttribute('d', path));
    } else if (attribute === 'line.color') steps.push(() => paint(node, 'stroke', item.line.color));
    else if (attribute === 'line.width') steps.push(() => { node.style.strokeWidth = `${item.line.width}px`; });
    else if (attribute === 'fillcolor') steps.push(() => paint(node, 'fill', item.fillcolor));
    else if (attribute === 'opacity') steps.push(() => { node.style.opacity = item.opacity; });
    else return null;
  }
  return () => steps.forEach(step => step());
}

function pathOf(item, x, y) {
  if (item.type === 'path') {  // letters of which each number is an x or a y
    return item.path.replace(/([MLHVQCTSZ])([^MLHVQCTSZ]*)/gi, (_, letter, rest) => {
      let i = 0;
      return letter + rest.replace(/[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?/gi, value =>
        letter === 'H' ? x(+value) : letter === 'V' ? y(+value) : i++ % 2 ? y(+value) : x(+value));
    });
  }
  const [x0, x1, y0, y1] = [x(item.x0), x(item.x1), y(item.y0), y(item.y1)];
  if (![x0, x1, y0, y1].every(Number.isFinite)) return 'M0,0';
  if (item.type === 'line') return `M${x0},${y0}L${x1},${y1}`;
  if (item.type === 'circle') {
    const rx = Math.abs(x1 - x0) / 2, ry = Math.abs(y1 - y0) / 2, cx = (x0 + x1) / 2, cy = (y0 + y1) / 2;
    return `M${cx + rx},${cy}A${rx},${ry} 0 1,1 ${cx},${cy - ry}A${rx},${ry} 0 0,1 ${cx + rx},${cy}Z`;
  }
  return `M${x0},${y0}H${x1}V${y1}H${x0}Z`;
}

function annotation(gd, index, item, changed, shown) {
  const node = gd.querySelector(`.annotation[data-index="${index}"]`), text = node?.querySelector('.annotation-text');
  if (!text || item.showarrow) return null;
  const steps = [];
  for (const attribute of changed) {
    if (attribute === 'text') steps.push(() => { hold(node, text, item); write(text, item.text); });
    else if (attribute === 'font.color') steps.push(() => paint(text, 'fill', item.font.color));
    else if (attribute === 'opacity') steps.push(() => { node.style.opacity = item.opacity; });
    else if (attribute === 'x' || attribute === 'y') {
      const x = along(gd, item, 'x'), y = along(gd, item, 'y');
      if (!x || !y || item.xref?.endsWith?.('domain') || [item.x, item.y].some(v => typeof v !== 'number')) return null;
      node.quick ??= { x: x(shown.x), y: y(shown.y) };  // Plotly makes it anew when it draws it
      steps.push(() => node.setAttribute('transform', `translate(${x(item.x) - node.quick.x},${y(item.y) - node.quick.y})`));
    } else return null;
  }
  return () => steps.forEach(step => step());
}

// Plotly centers a line in a box of its length: here it is held at the end at which its annotation is.
function hold(node, text, { xanchor, text: now }) {
  const box = node.querySelector('rect.bg');
  if (!box || !['left', 'right'].includes(xanchor) || /<br/i.test(now)) return;
  const left = +box.getAttribute('x') + 1.5, width = box.getAttribute('width') - 3;
  text.setAttribute('text-anchor', xanchor === 'left' ? 'start' : 'end');
  text.setAttribute('x', xanchor === 'left' ? left : left + width);
}

function picture(gd, index, item, changed) {
  // Plotly sorts them by layers and subplots
  const node = [...gd.querySelectorAll('.imagelayer > image')].find(each => each.__data__?._index === index);
  if (!node || changed.size > 1 || !changed.has('source')) return null;
  return () => node.setAttributeNS('http://www.w3.org/1999/xlink', 'xlink:href', item.source);
}

function title(gd, name, text) {
  const node = gd.querySelector(name === 'title' ? '.gtitle' : `.${name.replace(/^([xy])axis(\d*)$/, '$1$2title')}`);
  return node ? () => write(node, text) : null;
}

function legend(gd, index, name) {
  if (!gd._fullLayout.showlegend || gd._fullData[index].showlegend === false) return () => {};
  for (const item of gd.querySelectorAll('.legend .traces')) {
    const of = item.__data__?.[0]?.trace;
    if (of?.index === index) { const text = item.querySelector('.legendtext'); return () => write(text, name); }
  }
  return null;
}

// Axes hold still while the pointer moves, as long as they show all and are not half empty; at rest they fit again.
function fits(axis, [low, high]) {
  const [from, to] = axis.range, span = to - from, slack = 0.02 * Math.abs(span);
  return (high - low) / span > 0.5 && Math.min(low, high) > Math.min(from, to) - slack && Math.max(low, high) < Math.max(from, to) + slack;
}

// Whether a trace's texts stand in the picture.
const told = ({ texttemplate }, type) => type === 'scatter' || type === 'bar' || (type === 'heatmap' && Boolean(texttemplate));

// ---- all of it ----------------------------------------------------------------------------------

const TRACES = { scatter, bar, heatmap, image };
const ITEMS = { shapes: shape, annotations: annotation, images: picture };

// Moves the chart `gd`, which shows the figure `shown`, to the figure `wanted`: true if that was possible. Nothing has
// been moved where it was not, and Plotly has to draw.
function move(gd, shown, wanted) {
  const changes = differences(shown, wanted);
  if (!changes) return false;
  const dirty = new Map(), steps = [];
  const note = (room, index, attribute) => {
    const key = `${room} ${index}`;
    if (!dirty.has(key)) dirty.set(key, [room, index, new Set()]);
    dirty.get(key)[2].add(attribute);
  };
  for (const [[room, first, second, ...rest], value] of changes) {
    if (room === 'data') {
      const attribute = [second, ...rest].join('.');
      const type = wanted.data[first].type ?? 'scatter';
      if (attribute === 'name') steps.push(legend(gd, +first, value));
      else if (!UNSEEN.has(second) || (second === 'text' && told(wanted.data[first], type))) note('data', +first, attribute);
    } else if (first in ITEMS) note(first, +second, rest.join('.'));
    else if (first === 'title' && second === 'text') steps.push(title(gd, 'title', value));
    else if (/^[xy]axis\d*$/.test(first) && second === 'title' && rest[0] === 'text') steps.push(title(gd, first, value));
    else if (/^[xy]axis\d*$/.test(first) && second === 'range' && fits(gd._fullLayout[first], value)) continue;
    else if (first !== 'meta') return false;
  }
  const areas = [];
  for (const [room, index, changed] of dirty.values()) {
    if (room === 'data') {
      const trace = wanted.data[index];
      if (gd._fullData[index].visible !== true && !changed.has('visible')) continue;
      steps.push(TRACES[trace.type ?? 'scatter']?.(gd, index, trace, changed));
      gd._fullData.forEach((full, i) => { if (full.fill === 'tonexty' && (i === index || full._prevtrace?.index === index)) areas.push(between(gd, i, wanted)); });
    } else steps.push(ITEMS[room](gd, index, wanted.layout[room][index], changed, shown.layout[room][index]));
  }
  if ([...steps, ...areas].some(step => !step)) return false;
  steps.forEach(step => step());
  areas.forEach(step => step());
  return true;
}

// Takes back what Plotly does not set anew when it draws.
function settle(gd) {
  for (const node of gd.querySelectorAll('path.point.quick')) node.remove();
  for (const node of gd.querySelectorAll('path.point[display]')) node.removeAttribute('display');
}
