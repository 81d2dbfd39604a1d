// One canvas of hexagons, or of true borders where the reader brought them. Layout and names are static files; a rerun brings digits, texts and words.
const PALETTE = ['#e6eef7', '#b7cfe6', '#7ba6cf', '#3f76b0', '#123f75'];
const OTHER = '7', NOT_COLLECTED = '8', SUPPRESSED = '9';
const NARROW = 0.7;      // below this scale a tile is too small to tap: the first tap enlarges its prefecture
const KEY_LABELS = new Set([1, 13, 27, 4, 40, 23, 34, 15, 46, 37, 47]);
const FONT = '"Noto Sans CJK JP","Noto Sans JP","Hiragino Sans","Yu Gothic UI",Meiryo,sans-serif';

const fetchJson = path => fetch(new URL(path, document.baseURI)).then(r => r.json());
const shortJa = name => (name === '北海道' ? name : name.replace(/[都府県]$/, ''));

function polygon(x, y, r) {
  const path = new Path2D();
  for (let k = 0; k < 6; k++) {
    const px = x + r * Math.sin(k * Math.PI / 3), py = y - r * Math.cos(k * Math.PI / 3);
    k ? path.lineTo(px, py) : path.moveTo(px, py);
  }
  path.closePath();
  return path;
}

function outline(numbers) {
  const path = new Path2D();
  for (let k = 1; k < numbers.length; k += 2) {
    const x = numbers[k] / 10, y = numbers[k + 1] / 10;
    k === 1 ? path.moveTo(x, y) : path.lineTo(x, y);
  }
  path.closePath();
  return path;
}

// A municipality brought as true borders: rings of x, y in tenths of a unit.
function shape(rings) {
  const path = new Path2D();
  for (const ring of rings) path.addPath(outline([0, ...ring]));
  return path;
}

class HexMap {
  constructor(root, layout, names, pick) {
    Object.assign(this, { root, layout, names, pick, hovered: -1, zoomed: null });
    this.canvas = root.querySelector('canvas');
    this.tip = root.querySelector('.tip');
    this.back = root.querySelector('.back');
    const r = layout.radius_px - 0.35;
    this.x = layout.x.map(v => v / 10);
    this.y = layout.y.map(v => v / 10);
    this.tiles = layout.polygons ? layout.polygons.map(shape) : this.x.map((x, i) => polygon(x, this.y[i], r));
    this.prefecture = layout.code6.map(code => +code.slice(0, 2));
    this.blocks = layout.prefecture_outlines.map(o => [o[0], outline(o)]);
    this.base = document.createElement('canvas');
    this.listen();
  }

  listen() {
    this.canvas.onpointermove = e => e.pointerType === 'mouse' && this.hover(this.hit(e), e);
    this.canvas.onpointerleave = () => this.hover(-1);
    this.canvas.onclick = e => this.click(this.hit(e), e);
    this.back.onclick = () => { this.zoomed = this.zoomed === null ? this.chosenPrefecture() : null; this.hover(-1); this.redraw(); };
    new ResizeObserver(() => this.fit()).observe(this.root);
    this.watchPixelRatio();
  }

  watchPixelRatio() {
    matchMedia(`(resolution: ${window.devicePixelRatio}dppx)`)
      .addEventListener('change', () => { this.fit(); this.watchPixelRatio(); }, { once: true });
  }

  show(data) {
    this.data = data;
    this.canvas.setAttribute('aria-label', data.words.label);
    this.chosen = new Set(data.chosen);
    this.root.querySelector('.wait').hidden = true;
    this.fit();
  }

  fit() {
    const width = this.root.clientWidth;
    if (!width || !this.data) return;
    this.ratio = window.devicePixelRatio || 1;
    this.scale = width / this.layout.width;
    const w = Math.round(width * this.ratio), h = Math.round(this.layout.height * this.scale * this.ratio);
    for (const c of [this.canvas, this.base]) if (c.width !== w || c.height !== h) { c.width = w; c.height = h; }
    this.redraw();
  }

  // [a, e, f]: layout units to device pixels
  view() {
    const k = this.scale * this.ratio;
    if (this.zoomed === null) return [k, 0, 0];
    const own = this.prefecture.map((p, i) => (p === this.zoomed ? i : -1)).filter(i => i >= 0);
    const xs = own.map(i => this.x[i]), ys = own.map(i => this.y[i]), pad = 16;
    const [l, r, t, b] = [Math.min(...xs) - pad, Math.max(...xs) + pad, Math.min(...ys) - pad, Math.max(...ys) + pad];
    const zoom = Math.min(this.layout.width / (r - l), this.layout.height / (b - t), 5);
    return [k * zoom, this.canvas.width / 2 - k * zoom * (l + r) / 2, this.canvas.height / 2 - k * zoom * (t + b) / 2];
  }

  pattern(g, k, draw) {
    const size = Math.round(6 * this.ratio), cell = document.createElement('canvas');
    cell.width = cell.height = size;
    draw(cell.getContext('2d'), size);
    const pattern = g.createPattern(cell, 'repeat');
    pattern.setTransform(new DOMMatrix().scale(1 / k));   // a pattern is in device pixels
    return pattern;
  }

  fills(g, k) {
    const hatch = (c, s) => {
      c.fillStyle = '#f1f1ef'; c.fillRect(0, 0, s, s);
      c.strokeStyle = '#8f8f8a'; c.lineWidth = 1.1 * this.ratio; c.beginPath();
      for (const o of [-s, 0, s]) { c.moveTo(o, s); c.lineTo(o + s, 0); }
      c.stroke();
    };
    const dots = (c, s) => {
      c.fillStyle = '#fff'; c.fillRect(0, 0, s, s);
      c.fillStyle = '#8f8f8a'; c.beginPath(); c.arc(s / 2, s / 2, s / 6, 0, 7); c.fill();
    };
    return { [SUPPRESSED]: this.pattern(g, k, hatch), [OTHER]: this.pattern(g, k, dots), [NOT_COLLECTED]: '#f3f5f8' };
  }

  redraw() {
    const g = this.base.getContext('2d'), [k, e, f] = this.view();
    g.setTransform(1, 0, 0, 1, 0, 0);
    g.fillStyle = '#fff'; g.fillRect(0, 0, this.base.width, this.base.height);
    g.setTransform(k, 0, 0, k, e, f);
    this.drawFrames(g);
    this.drawTiles(g, this.fills(g, k));
    this.drawBlocks(g, Math.sqrt(this.scale * this.ratio / k));
    this.drawLabels(g, k / this.ratio);
    const prefecture = this.chosenPrefecture(), { back, zoom } = this.data.words;
    this.back.hidden = this.zoomed === null && !prefecture;
    this.back.textContent = this.zoomed !== null ? back : prefecture ? zoom.replace('{name}', this.prefectureName(prefecture)) : '';
    this.paint();
  }

  drawFrames(g) {
    g.lineWidth = 1; g.strokeStyle = '#b9bec5'; g.fillStyle = '#fafbfc';
    for (const [x, y, w, h] of this.layout.frames) { g.beginPath(); g.roundRect(x + .5, y + .5, w, h, 4); g.fill(); g.stroke(); }
  }

  drawTiles(g, fills) {
    const groups = {};
    for (let i = 0; i < this.tiles.length; i++) (groups[this.data.digits[i]] ??= new Path2D()).addPath(this.tiles[i]);
    g.lineWidth = .5;
    for (const [digit, path] of Object.entries(groups)) {
      g.fillStyle = fills[digit] ?? PALETTE[+digit]; g.fill(path);
      g.strokeStyle = digit === NOT_COLLECTED ? '#cfd6de' : this.data.whole && digit <= '4' ? fills[digit] ?? PALETTE[+digit] : '#c2ccd8';
      g.stroke(path);
    }
  }

  drawBlocks(g, px) {
    const all = new Path2D();
    for (const [, path] of this.blocks) all.addPath(path);
    g.lineJoin = 'round';
    g.strokeStyle = '#fff'; g.lineWidth = 2.6 * px; g.stroke(all);
    g.strokeStyle = '#3a424d'; g.lineWidth = 1.05 * px; g.stroke(all);
  }

  chosenPrefecture() {
    const [code] = this.chosen;
    return code && !this.data.whole ? +code.slice(0, 2) : null;
  }

  prefectureName(p) {
    const [ja, en] = this.names.prefectures[String(p).padStart(2, '0')];
    return this.data.lang === 'ja' ? shortJa(ja) : en;
  }

  // Registered prefectures first, then the landmarks, then the rest; a label that would lie on another is left out.
  drawLabels(g, pxPerUnit) {
    g.textAlign = 'center'; g.textBaseline = 'middle'; g.lineJoin = 'round';
    const zoomed = this.zoomed !== null, taken = [], collected = new Set();
    if (zoomed) this.drawTileNames(g, pxPerUnit, taken);
    this.prefecture.forEach((p, i) => this.data.digits[i] !== NOT_COLLECTED && collected.add(p));
    const rank = p => (collected.has(p) ? 0 : KEY_LABELS.has(p) ? 1 : 2);
    for (const [p, x, y] of [...this.layout.prefecture_labels].sort((a, b) => rank(a[0]) - rank(b[0]))) {
      if (!x || this.zoomed === p) continue;
      const big = this.scale >= NARROW && [1, 13, 27].includes(p), size = (big ? 13.5 : zoomed ? 13 : 11.5) / pxPerUnit;
      this.label(g, this.prefectureName(p), x, y, size, big ? 700 : 600, taken);
    }
    g.textAlign = 'left';
    if (zoomed) return;
    const frame = 11.5 / pxPerUnit, english = ['Okinawa', 'Amami', 'Izu, Bonin'];
    this.layout.frames.forEach(([x, y, , h, name], i) => {
      const says = this.data.lang === 'en' ? english[i] : name;
      const fits = this.scale < NARROW ? says.split(/[・,]/)[0].slice(0, this.data.lang === 'en' ? 7 : 2) : says;
      this.text(g, fits, x + 7, y + 4 + frame * .7, frame, 600);
    });
  }

  drawTileNames(g, pxPerUnit, taken) {
    const size = 11.5 / pxPerUnit, names = this.names[this.data.lang];
    this.prefecture.forEach((p, i) => {
      if (p === this.zoomed) this.label(g, this.data.lang === 'en' ? names[i].replace(/-[a-z]+$/, '') : names[i], this.x[i], this.y[i], size, 600, taken);
    });
  }

  label(g, says, x, y, size, weight, taken) {
    g.font = `${weight} ${size}px ${FONT}`;
    const half = g.measureText(says).width / 2, box = [x - half, y - size * .55, x + half, y + size * .55];
    if (taken.some(t => box[0] < t[2] && t[0] < box[2] && box[1] < t[3] && t[1] < box[3])) return;
    taken.push(box);
    this.text(g, says, x, y, size, weight);
  }

  text(g, says, x, y, size, weight) {
    g.font = `${weight} ${size}px ${FONT}`;
    g.lineWidth = size * .28; g.strokeStyle = 'rgba(255,255,255,.9)'; g.strokeText(says, x, y);
    g.fillStyle = '#11161d'; g.fillText(says, x, y);
  }

  paint() {
    const g = this.canvas.getContext('2d'), [k, e, f] = this.view();
    g.setTransform(1, 0, 0, 1, 0, 0); g.drawImage(this.base, 0, 0);
    g.setTransform(k, 0, 0, k, e, f);
    g.lineJoin = 'round';
    if (this.chosen.size) this.outlineChosen(g, k, e, f);
    if (this.hovered >= 0) {
      const px = Math.sqrt(this.scale * this.ratio / k);
      g.strokeStyle = '#fff'; g.lineWidth = 5 * px; g.stroke(this.tiles[this.hovered]);
      g.strokeStyle = '#11161d'; g.lineWidth = 2.2 * px; g.stroke(this.tiles[this.hovered]);
    }
    this.root.dataset.drawn = this.data.digits.length;
  }

  // The outline of the chosen tiles together: a thick line round each, then the picture again inside them.
  outlineChosen(g, k, e, f) {
    const inside = new Path2D();
    this.layout.code6.forEach((code, i) => this.chosen.has(code) && inside.addPath(
      this.layout.polygons ? this.tiles[i] : polygon(this.x[i], this.y[i], this.layout.radius_px + .3)));
    const px = Math.sqrt(this.scale * this.ratio / k);   // lines grow less than tiles when the map is enlarged
    g.strokeStyle = '#fff'; g.lineWidth = 7.5 * px; g.stroke(inside);
    g.strokeStyle = '#d9480f'; g.lineWidth = 5 * px; g.stroke(inside);
    g.save();
    g.clip(inside);
    g.setTransform(1, 0, 0, 1, 0, 0); g.drawImage(this.base, 0, 0);
    g.restore();
    g.setTransform(k, 0, 0, k, e, f);
  }

  hit(event) {
    const [k, e, f] = this.view(), x = (event.offsetX * this.ratio - e) / k, y = (event.offsetY * this.ratio - f) / k;
    if (this.layout.polygons) {
      const g = this.base.getContext('2d');
      g.setTransform(1, 0, 0, 1, 0, 0);
      const inside = this.tiles.findIndex(path => g.isPointInPath(path, x, y));
      if (inside >= 0) return inside;
    }
    let best = -1, distance = Math.max(this.layout.radius_px, 8 * this.ratio / k);
    for (let i = 0; i < this.x.length; i++) {
      const d = Math.hypot(this.x[i] - x, this.y[i] - y);
      if (d < distance) { distance = d; best = i; }
    }
    return best;
  }

  click(i, event) {
    if (i < 0) return;
    if (this.scale < NARROW && !this.data.whole && this.zoomed !== this.prefecture[i]) {
      this.zoomed = this.prefecture[i];
      this.hover(-1); this.redraw();
      return;
    }
    this.hover(i, event);
    this.pick(this.layout.code6[i]);
  }

  hover(i, event) {
    if (i !== this.hovered) { this.hovered = i; this.paint(); }
    this.tip.hidden = i < 0;
    if (i < 0) return;
    this.tip.textContent = this.says(i);
    const half = this.tip.offsetWidth + 16, x = event.offsetX, y = event.offsetY;
    this.tip.style.left = `${Math.max(0, x + half > this.root.clientWidth ? x - half : x + 16)}px`;
    this.tip.style.top = `${Math.max(0, y - this.tip.offsetHeight - 10)}px`;
  }

  says(i) {
    const { words, texts, digits, lang } = this.data, code = this.layout.code6[i];
    const name = this.names[lang][i], prefecture = this.names.prefectures[code.slice(0, 2)][lang === 'ja' ? 0 : 1];
    const full = lang === 'ja' ? `${prefecture} ${name}` : `${name}, ${prefecture}`;
    return `${full}\n${texts[code] ?? words[digits[i]] ?? ''}`;
  }
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector('.map');
  root.querySelector('.wait').textContent = data.words.wait;
  root.pick = code => setTriggerValue('pick', code);
  root.latest = data;
  root.ready ??= Promise.all([fetchJson(data.layout), fetchJson('app/static/map_names.json')])
    .then(([layout, names]) => new HexMap(root, layout, names, code => root.pick(code)));
  root.ready.then(map => map.show(root.latest));
}
