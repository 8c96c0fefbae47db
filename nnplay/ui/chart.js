// A Plotly chart that stays in place: updated by Plotly.react, played from frames, scrubbed, dragged, clicked.
// Python's side and the shape of `data` are in chart.py.

const DARK = __DARK__;
const PLOTLY = '__PLOTLY__', LINE = '__LINE__';
const FONT = '16px "Source Sans"';  // Plotly measures texts, so their type has to be there first
const CONFIG = { displaylogo: false, responsive: false, scrollZoom: false,
                 modeBarButtonsToRemove: ['select2d', 'lasso2d', 'autoScale2d'] };

// A height in pixels at the browser's usual type size, but no more than leaves room on the screen for the rest.
const FITTING = height => `min(${height / 16}rem, max(18rem, 63vh))`;

// The app may stand behind a path of its own: start from where Streamlit's own script came from.
const base = () => {
  const own = document.querySelector('script[src*="static/js/"]');
  return own ? own.src.slice(0, own.src.lastIndexOf('static/js/')) : '/';
};
const loadPlotly = () => window.Plotly ? Promise.resolve() : (window.nnplayPlotly ??= new Promise((resolve, reject) => {
  const script = document.createElement('script');
  script.src = base() + PLOTLY;
  script.onload = resolve;
  script.onerror = () => { window.nnplayPlotly = null; script.remove(); reject(new Error('not loaded')); };
  document.head.append(script);
}));

const ARRAYS = { f4: Float32Array, f8: Float64Array, i1: Int8Array, u1: Uint8Array, i2: Int16Array, u2: Uint16Array,
                 i4: Int32Array, u4: Uint32Array };
function bytes(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const raw = atob(text), found = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) found[i] = raw.charCodeAt(i);
  return found;
}

// Plotly's own notation for an array, {dtype, bdata, shape}, to typed arrays, nested but for the last axis.
function decode({ dtype, bdata, shape }) {
  const flat = new ARRAYS[dtype](bytes(bdata).buffer);
  const cut = (from, [length, ...rest]) => {
    if (!rest.length) return flat.subarray(from, from + length);
    const step = rest.reduce((a, b) => a * b, 1);
    return Array.from({ length }, (_, i) => cut(from + i * step, rest));
  };
  return cut(0, shape ? String(shape).split(',').map(Number) : [flat.length]);
}

// Decodes all arrays below `node` in place. What `held` has decoded before stays the very same object, by
// which Plotly knows that it has not changed; the arrays met are noted in `met`.
function decodeAll(node, held, met) {
  for (const [key, value] of Object.entries(node ?? {})) {
    if (!value || typeof value !== 'object') continue;
    if (!value.bdata) { decodeAll(value, held, met); continue; }
    const name = `${value.dtype} ${value.shape} ${value.bdata}`;
    met.set(name, node[key] = met.get(name) ?? held.get(name) ?? decode(value));
  }
}

// Sets a dotted path, `annotations[0].text`, in a nested object.
function put(target, path, value) {
  const keys = path.replace(/\[(\d+)\]/g, '.$1').split('.');
  const last = keys.pop();
  for (const key of keys) target = target[key] ??= {};
  target[last] = value;
}

function scaleFonts(node, factor) {
  for (const [key, value] of Object.entries(node ?? {})) {
    if (!value || typeof value !== 'object' || ArrayBuffer.isView(value)) continue;
    if (/font$/.test(key) && typeof value.size === 'number') value.size *= factor;
    scaleFonts(value, factor);
  }
}

class LiveChart {
  constructor(root) {
    this.root = root;
    this.plot = root.querySelector('.plot');
    this.bar = root.querySelector('.player');
    this.scrub = root.querySelector('.scrub');
    this.toggle = root.querySelector('.toggle');
    this.label = root.querySelector('.label');
    this.speed = root.querySelector('.speed');
    this.frames = []; this.run = null; this.position = 0; this.drawn = -1; this.playing = false;
    this.told = 0;
    this.arrays = new Map(); this.undo = []; this.painted = [];
    this.listen(this.toggle, 'click', () => this.play(!this.playing));
    this.listen(root.querySelector('.first'), 'click', () => { this.play(false); this.seek(0, true); });
    this.listen(root.querySelector('.back'), 'click', () => { this.play(false); this.seek(Math.round(this.position) - 1, true); });
    this.listen(root.querySelector('.next'), 'click', () => { this.play(false); this.seek(Math.round(this.position) + 1, true); });
    this.listen(this.scrub, 'input', () => { this.play(false); this.seek(+this.scrub.value, true); });
    this.listen(window, 'keydown', event => this.key(event));
    const fit = async () => {
      if (this.data?.still && this.spec && this.plot.isConnected) { drawStill(this.plot, this.spec); return; }
      if (!this.plot._fullLayout || !this.plot.isConnected) return;
      if (this.owed) await this.redraw();
      if (this.narrow !== this.isNarrow()) await this.update(this.sent);
      if (!this.gone) Plotly.Plots.resize(this.plot);
    };
    const resized = new ResizeObserver(() => requestAnimationFrame(fit));
    resized.observe(this.plot);
    this.undo.push(() => resized.disconnect());
  }

  listen(target, name, handler, options) {
    target.addEventListener(name, handler, options);
    this.undo.push(() => target.removeEventListener(name, handler, options));
  }

  destroy() {
    this.gone = true;
    this.play(false);
    clearTimeout(this.resting);
    this.channel?.close();
    this.undo.forEach(f => f());
    if (this.plot._fullLayout) Plotly.purge(this.plot);
  }

  // ---- what Python sent -------------------------------------------------------------------------

  async update(sent) {
    const { data, setStateValue, setTriggerValue } = this.sent = sent;
    this.data = data;
    if (data.line) this.open();
    this.send = { state: setStateValue, trigger: setTriggerValue };
    this.arrived();
    this.plot.setAttribute('aria-label', data.alt);
    this.plot.style.height ||= FITTING(data.height);
    this.plot.style.minWidth = `${data.width / 16}rem`;
    const pan = this.plot.parentElement;
    pan.tabIndex = pan.scrollWidth > pan.clientWidth ? 0 : -1;  // whoever has no pointer scrolls by key
    try { await Promise.all([data.still || loadPlotly(), document.fonts.load(FONT)]); } catch {
      this.plot.textContent = 'The chart cannot be drawn: its library (Plotly) could not be loaded from this server. Reload the page to try again.';
      return;
    }
    if (this.gone || data !== this.data) return;  // a newer picture is on its way
    const css = getComputedStyle(this.root);
    const night = isDark(css.getPropertyValue('--st-background-color').trim());
    if (night !== this.night) { this.night = night; this.frames = []; this.run = null; }  // frames, too, have colors
    this.spec = JSON.parse(this.dyed(data.figure));
    const scale = parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;
    const template = `${scale} ${JSON.stringify(this.spec.layout.template)}`;
    if (template === this.template?.text) this.spec.layout.template = null;  // the one that is held is scaled already
    const own = this.spec.layout.template;
    const met = new Map();
    decodeAll(this.spec.data, this.arrays, met);
    decodeAll(this.spec.layout.meta, this.arrays, met);
    this.arrays = met;
    if (scale !== 1) scaleFonts(this.spec, scale);
    if (own) this.template = { text: template, held: own };
    this.spec.layout.template = this.template.held;
    this.narrow = this.isNarrow();
    const otherwise = this.narrow ? this.spec.layout.meta?.narrow : null;
    for (const [path, value] of Object.entries(otherwise ?? {})) put(this.spec.layout, path, value);
    this.plot.style.height = otherwise?.height ? `${otherwise.height / 16}rem` : FITTING(data.height);
    this.spec.layout.autosize = true;
    if (data.handle || data.grip) this.spec.layout.dragmode ??= false;  // the pointer moves the control; zooming has its button
    delete this.spec.layout.height; delete this.spec.layout.width;
    if (data.still) { this.showStill(); return; }
    this.take(data.frames);
    this.apply(this.position | 0);
    const first = !this.plot._fullLayout;
    await this.draw();
    if (first) this.connect();
    if (data.watch) this.watch(data.watch);
  }

  // A card. One after the other, so that the first is seen at once; then Plotly is loaded for the page that is
  // opened next.
  async showStill() {
    const before = window.nnplayCard;
    let drawn;
    window.nnplayCard = new Promise(resolve => { drawn = () => setTimeout(resolve); });
    await before;
    if (!this.gone) { this.paint(); drawStill(this.plot, this.spec); }
    drawn();
    this.root.dataset.pictures = 1;
    setTimeout(() => requestIdleCallback(() => this.gone || loadPlotly().catch(() => {})), 500);
  }

  // A text, or texts in lists, with the colors of the page's theme.
  dyed(value) {
    if (Array.isArray(value)) return value.map(each => this.dyed(each));
    return this.night && typeof value === 'string' ? value.replace(/#[0-9A-F]{6}/g, c => DARK[c] ?? c) : value;
  }

  take(frames) {
    this.bar.hidden = !frames;
    if (!frames) { this.frames = []; this.run = null; this.drawn = -1; return; }
    // a chunk of a run of which earlier ones are missing here: ask for all of it
    const missing = frames.start > (frames.run === this.run ? this.frames.length : 0);
    if (missing !== Boolean(this.missing)) this.send.state('need', missing ? frames.run : null);
    this.missing = missing;
    if (missing) return;
    const other = this.of !== (this.of = this.spec.layout.uirevision);  // not this picture moved on, but another
    if (frames.run !== this.run) {
      this.ending = this.run === null || other ? frames.at_end : this.frames.length > 0 && this.position >= this.frames.length - 1;
      this.run = frames.run;
      this.frames = [];
      this.fresh = frames.restart;
    }
    this.append(frames, this.frames.length - frames.start);  // the script and the line may bring the same ones
    this.grown(frames.growing);
    if (this.fresh && this.frames.length) { this.fresh = false; this.position = 0; this.play(true); }
    if (this.ending && !frames.restart) this.position = this.frames.length;  // who stood at the end stays there
    this.ending = false;
    if (this.data.at !== this.placed) this.position = (this.placed = this.data.at) ?? this.position;
    this.position = Math.max(0, Math.min(this.position, this.frames.length - 1));
    this.scrub.max = Math.max(0, this.frames.length - 1);
    this.scrub.setAttribute('aria-label', 'Frame of ' + this.data.alt);
    this.drawn = -1;
    this.tell();
  }

  // A run that goes on is asked for more; once it has ended the page has to know it.
  grown(growing) {
    const have = this.frames.length, open = this.channel?.readyState === WebSocket.OPEN && this.data.line;
    if (growing && open) this.channel.send(JSON.stringify({ line: this.data.line, run: this.run, have }));
    else if (growing || this.byLine) this.send.state('more', `${this.run}:${have}`);
    this.byLine = growing && open;
  }

  append({ labels, traces, layout, grow, upto }, known) {
    if (known >= labels.length) return;
    const upon = (line, n) => line.subarray ? line.subarray(0, n) : line.slice(0, n);
    const parts = [], lines = [], read = value => value.bdata ? decode(value) : this.dyed(value);
    for (const [i, attributes] of Object.entries(grow))
      for (const [path, value] of Object.entries(attributes)) lines.push(['data', +i, path, read(value)]);
    for (const [i, attributes] of Object.entries(traces))
      for (const [path, value] of Object.entries(attributes)) parts.push(['data', +i, path, read(value)]);
    for (const [path, value] of Object.entries(layout)) parts.push(['layout', null, path, read(value)]);
    labels.forEach((label, t) => t >= known && this.frames.push({ label, set: [
      ...parts.map(([room, i, path, values]) => [room, i, path, values[t]]),
      ...lines.map(([room, i, path, line]) => [room, i, path, upon(line, (Array.isArray(upto) ? upto : upto[i])[t])])] }));
  }

  // A figure says in `layout.meta.narrow` what of its layout is otherwise below this width.
  isNarrow() { return this.plot.clientWidth < 35 * parseFloat(getComputedStyle(document.documentElement).fontSize); }

  // ---- drawing ----------------------------------------------------------------------------------

  apply(t) {
    const frame = this.frames[t];
    if (!frame) return;
    for (const [room, i, path, value] of frame.set)
      put(room === 'data' ? this.spec.data[i] : this.spec.layout, path, value);
    this.drawn = t;
    this.scrub.value = t;
    this.scrub.setAttribute('aria-valuetext', frame.label);
    this.label.textContent = frame.label;
  }

  // One picture at a time: what comes meanwhile is drawn once, with the newest state. What only moves is moved
  // (quick.js), and drawn by Plotly once the chart rests: only then does hovering tell of the new numbers.
  async draw() {
    if (this.busy) { this.again = true; return; }
    this.busy = true;
    do {
      this.again = false;
      this.paint();
      const next = this.copy();
      if (this.shown && move(this.plot, this.shown, this.spec)) this.owed = true; else await this.redraw();
      this.shown = next;
    } while (this.again && !this.gone);
    this.busy = false;
    this.root.dataset.pictures = +(this.root.dataset.pictures ?? 0) + 1;
    this.drawSoon();
  }

  async redraw() {
    settle(this.plot);
    this.owed = false;
    this.root.dataset.drawn = +(this.root.dataset.drawn ?? 0) + 1;
    const { data, layout } = this.copy();  // Plotly writes into what it is given
    delete layout.meta;
    await Plotly.react(this.plot, data, layout, CONFIG);
  }

  copy() {
    const { template, ...layout } = this.spec.layout;
    return { data: snapshot(this.spec.data), layout: { ...snapshot(layout), template } };
  }

  drawSoon() {
    clearTimeout(this.resting);
    if (!this.owed || this.gone) return;
    this.resting = setTimeout(() => {
      if (this.busy || document.querySelector('[data-dragging]')) this.drawSoon();
      else if (!this.gone) this.redraw();
    }, 250);
  }

  // A raster (nnplay/figures/rasters.py) is an image of the layout whose pixels are bytes through colors.
  // A layout image is redrawn several times as fast as a heat map. What stayed the same is not painted again.
  paint() {
    const { images, meta } = this.spec.layout;
    (meta?.rasters ?? []).forEach((raster, i) => {
      const [from, tile] = this.data.peek?.into === i && this.peeked ? this.peeked : [i, null];
      const { values, colors } = meta.rasters[from], how = JSON.stringify([tile, colors]);
      const held = this.painted[i];
      if (held?.values !== values || held.how !== how)
        this.painted[i] = { values, how, source: rasterSource(meta.rasters[from], tile) };
      images[raster.image].source = this.painted[i].source;
    });
  }

  seek(t, report = false) {
    this.position = Math.max(0, Math.min(t, this.frames.length - 1));
    const whole = Math.floor(this.position);
    if (whole !== this.drawn) { this.apply(whole); this.draw(); }
    if (report) this.tell();
  }

  // Where the player has come to rest, if the page wants to know it and does not.
  tell() {
    const rest = Math.floor(this.position);
    if (!this.data?.report || this.playing || this.gone || rest === this.told) return;
    this.report('position', this.told = rest);
  }

  play(on) {
    if (on && !this.frames.length) return;
    if (on && this.ended()) this.position = 0;
    const was = this.playing;
    this.playing = on;
    this.rest = null;
    this.toggle.classList.toggle('on', on);
    this.toggle.setAttribute('aria-label', on ? 'Pause' : 'Play');
    if (was && !on) this.tell();
    if (!on || was) return;
    let before = performance.now();
    const tick = now => {
      if (!this.playing || this.gone) return;
      const pace = this.data.frames.rate * +this.speed.value;
      this.seek(Math.min(this.position + pace * (now - before) / 1000, this.frames.length - 1));
      before = now;
      if (this.ended()) this.play(false); else requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  }

  ended() { return !this.data.frames?.growing && this.position >= this.frames.length - 1; }

  key(event) {
    if (event.code !== 'Space' || this.bar.hidden || event.defaultPrevented) return;
    if (event.target.closest('input:not([type=range]), textarea, select, button, a, [role=button], [contenteditable]')) return;
    event.preventDefault();
    this.play(!this.playing);
  }

  // ---- what the visitor does --------------------------------------------------------------------

  connect() {
    this.plot.on('plotly_click', event => {
      if (this.gripped) return;  // Plotly takes the end of a drag for a click, too
      const p = event.points[0];
      const at = this.at(event.event);
      this.rest = null;
      if (this.data.report) this.play(false);  // so that the page knows at which frame
      if (this.data.click) this.send.trigger('click', { trace: p.curveNumber, x: p.x, y: p.y, at,
        index: Array.isArray(p.pointNumber) ? p.pointNumber : [p.pointNumber] });
    });
    this.plot.on('plotly_hover', event => {
      const p = event.points[0], { hover, peek } = this.data;
      if (peek && p.curveNumber === peek.trace) { this.peeked = peek.tiles[p.pointNumber]; this.draw(); }
      if (!hover || p.curveNumber !== hover.trace || !Array.isArray(p.pointNumber) || this.playing) return;
      clearTimeout(this.leaving);
      this.rest ??= this.position;
      this.seek(p.pointNumber[0] * hover.columns + p.pointNumber[1]);
    });
    this.plot.on('plotly_unhover', () => {  // comes before the hover of a next cell, too
      if (this.peeked) { this.peeked = null; this.draw(); }
      clearTimeout(this.leaving);
      this.leaving = setTimeout(() => {
        if (this.rest == null || this.gone) return;
        this.seek(this.rest);
        this.rest = null;
      }, 100);
    });
    this.handle();
    this.grip();
  }

  // The pointer in the coordinates of the first pair of axes.
  at(event) {
    const { xaxis, yaxis } = this.plot._fullLayout;
    if (!xaxis || !event) return null;
    const box = this.plot.getBoundingClientRect();
    return [xaxis.p2d(event.clientX - box.left - xaxis._offset), yaxis.p2d(event.clientY - box.top - yaxis._offset)];
  }

  // Dragging on the plot moves the control that `data.handle` names.
  handle() {
    let held = false;
    const value = event => Math.max(this.data.handle.min, Math.min(this.data.handle.max, this.at(event)[0]));
    this.listen(this.plot, 'pointerdown', event => {
      if (!this.data.handle || !event.target.closest('.draglayer') || this.plot._fullLayout.dragmode) return;
      held = true;
      this.plot.setPointerCapture(event.pointerId);
      this.follow(this.data.handle.key, value(event));
    }, true);
    this.listen(this.plot, 'pointermove', event => held && this.follow(this.data.handle.key, value(event)));
    const drop = event => {
      if (!held) return;
      held = false;
      this.waiting = null;
      clearTimeout(this.pausing);
      this.send.trigger('drop', { moves: [{ key: this.data.handle.key, value: value(event) }] });
      this.forget();
    };
    this.listen(this.plot, 'pointerup', drop);
    this.listen(this.plot, 'pointercancel', drop);
  }

  // A rectangle that is dragged moves two controls. The page hears of it where it is let go.
  grip() {
    let held = null;
    const places = event => held.keys.map((key, i) => [key,
      Math.max(held.low[i], Math.min(held.high[i], held.at[i] + this.at(event)[i] - held.from[i]))]);
    this.listen(this.plot, 'pointerdown', event => {
      this.gripped = false;
      const { grip } = this.data, from = grip && this.at(event);
      if (!from || !event.target.closest('.draglayer') || this.plot._fullLayout.dragmode) return;
      if (from.some((place, i) => place < grip.at[i] || place > grip.at[i] + grip.size[i])) return;
      held = { ...grip, from, x: event.clientX, y: event.clientY };
    }, true);
    this.listen(window, 'pointermove', event => {
      if (!held || (!held.on && Math.hypot(event.clientX - held.x, event.clientY - held.y) < 4)) return;
      held.on = true;
      this.plot.dataset.dragging = '';
      this.last = { key: held.keys[0] };
      this.ask(Object.fromEntries(places(event)));
    }, true);
    const drop = event => {
      if (held?.on) {
        this.question = null;
        this.gripped = true;
        this.send.trigger('drop', { moves: places(event).map(([key, value]) => ({ key, value })) });
        this.forget();
      }
      held = null;
      delete this.plot.dataset.dragging;
    };
    this.listen(window, 'pointerup', drop, true);
    this.listen(window, 'pointercancel', drop, true);
  }

  // Streamlit's sliders send nothing before they are let go, and then run themselves alone. Each step of one
  // of this page's, by pointer or key, is reported from here as the state `drag`, which runs the picture again.
  watch(prefix) {
    if (this.watching) return;
    this.watching = true;
    const moved = new MutationObserver(records => {
      for (const { target } of records) {
        const slider = target.closest?.(`[class*="st-key-${prefix}"]`);
        if (!slider || !target.matches('input[type=range]')) continue;
        if (target !== document.activeElement && !target.closest('[data-dragging]')) continue;
        const key = [...slider.classList].find(c => c.startsWith('st-key-')).slice(7);
        const value = +target.value;
        if (key === this.last?.key && value === this.last.value) continue;
        this.follow(key, value);
      }
    });
    moved.observe(document.body, { subtree: true, attributes: true, attributeFilter: ['value'] });
    this.undo.push(() => moved.disconnect());
  }

  // The picture at once, by the line where there is one. The page, by Streamlit, once the pointer rests: a moment
  // later, as what comes at once goes out as one message, for which only the slider would run.
  follow(key, value) {
    clearTimeout(this.pausing);
    this.last = { key, value };
    const page = () => this.gone || this.report('drag', { key, value });
    if (this.ask({ [key]: value })) this.pausing = setTimeout(page, 150); else this.pausing = setTimeout(page);
    this.forget();
  }

  open() {
    if (this.channel?.readyState <= WebSocket.OPEN) return;
    this.channel = new WebSocket(base().replace(/^http/, 'ws') + LINE);
    this.channel.onmessage = ({ data }) => {
      const picture = JSON.parse(data);
      if (this.gone) return;
      if (!this.data.of_run) { this.asked = false; if (this.question) this.ask(this.question); }
      else if (picture?.frames?.run !== this.run) { this.hangUp(); return; }
      if (picture && (this.last || this.data.of_run)) this.update({ ...this.sent, data: { ...this.data, ...picture } });
    };
    this.channel.onclose = () => { this.asked = false; this.channel = null; this.hangUp(); };
  }

  // The line has no answer: the script goes on with the run, if it still is this one.
  hangUp() {
    if (this.byLine && !this.gone) this.send.state('more', `${this.run}:${this.frames.length}`);
    this.byLine = false;
  }

  // One question under way at a time, the newest wins. False where there is no line.
  ask(moves) {
    if (this.channel?.readyState !== WebSocket.OPEN || this.data.of_run) return false;
    this.question = this.asked ? moves : null;
    if (!this.asked) this.channel.send(JSON.stringify({ line: this.data.line, moves }));
    return this.asked = true;
  }

  // Once nothing has moved for a while the slider's own value holds.
  forget() {
    clearTimeout(this.forgetting);
    this.forgetting = setTimeout(() => {
      if (this.gone) return;
      if (document.querySelector('[data-dragging]')) { this.forget(); return; }
      this.last = null;
      this.send.state('drag', null);
    }, 400);
  }

  // One report under way at a time, the newest wins: the chart follows the pointer and never lags behind it.
  report(name, value) {
    if (this.underway) { this.waiting = [name, value]; return; }
    this.underway = setTimeout(() => this.arrived(), 250);  // nothing comes back where the picture stayed the same
    this.send.state(name, value);
  }

  arrived() {
    clearTimeout(this.underway);
    this.underway = null;
    if (!this.waiting || this.gone) return;
    const [name, value] = this.waiting;
    this.waiting = null;
    this.report(name, value);
  }
}

// The colors of the bytes 0 to 254 on a scale of [position, color]; 255 is transparent.
function palette(scale, asText = false) {
  const channels = scale.map(([, color]) => [1, 3, 5, 7].map(k => k < 7 || color.length > 7 ? parseInt(color.slice(k, k + 2), 16) : 255));
  const table = new Uint8Array(1024);
  for (let v = 0; v < 255; v++) {
    let k = 1;
    while (k < scale.length - 1 && v / 254 >= scale[k][0]) k++;
    const [from, to] = [scale[k - 1][0], scale[k][0]];
    const share = to > from ? Math.max(0, Math.min(1, (v / 254 - from) / (to - from))) : 1;
    for (let c = 0; c < 4; c++) table[4 * v + c] = Math.round(channels[k - 1][c] + share * (channels[k][c] - channels[k - 1][c]));
  }
  return asText ? v => `rgba(${table.subarray(4 * v, 4 * v + 3)},${table[4 * v + 3] / 255})` : new Uint32Array(table.buffer);
}

// Points: thousands of them cost a frame nothing, because they are an image that stays.
function drawDots(canvas, brush, values, { x, y, edge, radius }, color) {
  brush.lineWidth = radius / 3;
  brush.strokeStyle = edge;
  values.forEach((v, n) => {
    brush.beginPath();
    brush.arc(x[n] * canvas.width, y[n] * canvas.height, radius, 0, 2 * Math.PI);
    brush.fillStyle = color(v);
    brush.fill();
    brush.stroke();
  });
  return canvas.toDataURL();
}

// A raster as an image's source: tiles of `side` times `side` bytes one after the other, each at its place on a
// canvas; or one tile alone.
function rasterSource({ values, side, at, size, colors, dots }, tile) {
  const canvas = rasterSource.canvas ??= document.createElement('canvas');
  [canvas.width, canvas.height] = tile === null ? size : [side, side];
  const brush = canvas.getContext('2d', { willReadFrequently: true });
  if (dots) return drawDots(canvas, brush, values, dots, palette(colors, true));
  const area = brush.createImageData(canvas.width, canvas.height), pixels = new Uint32Array(area.data.buffer);
  const table = palette(colors), places = tile === null ? at : [[0, 0]];
  places.forEach(([left, top], n) => {
    let from = (tile ?? n) * side * side;
    for (let row = 0; row < side; row++)
      for (let into = (top + row) * canvas.width + left, end = into + side; into < end;) pixels[into++] = table[values[from++]];
  });
  brush.putImageData(area, 0, 0);
  return canvas.toDataURL();
}

const isDark = color => /^#[0-9a-f]{6}/i.test(color) && luminance(channels(color)) < 0.2;

export default function (component) {
  const root = component.parentElement.querySelector('.nnplay-chart');
  root.chart ??= new LiveChart(root);
  root.chart.update(component);
  return () => { root.chart?.destroy(); root.chart = null; };
}
