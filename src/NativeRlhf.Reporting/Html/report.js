'use strict';
(() => {
  const root = document.documentElement, tip = document.getElementById('tip'), ns = 'http://www.w3.org/2000/svg';
  root.classList.add('js');

  // Light and dark: the system's choice until the reader makes one.
  const theme = document.getElementById('theme'), dark = matchMedia('(prefers-color-scheme: dark)');
  const stored = () => { try { return localStorage.getItem('theme'); } catch { return null; } };
  const isDark = () => root.dataset.theme ? root.dataset.theme === 'dark' : dark.matches;
  const name = () => { theme.textContent = isDark() ? 'Light' : 'Dark'; theme.setAttribute('aria-label', `Change to ${isDark() ? 'light' : 'dark'} colors`); };
  if (stored() === 'dark' || stored() === 'light') root.dataset.theme = stored();
  theme.addEventListener('click', () => {
    root.dataset.theme = isDark() ? 'light' : 'dark';
    try { localStorage.setItem('theme', root.dataset.theme); } catch { /* a page without storage forgets */ }
    name();
  });
  dark.addEventListener('change', name);
  name();

  const smooth = document.getElementById('smooth');
  if (smooth) {
    const apply = () => root.classList.toggle('smoothing', smooth.checked);
    smooth.addEventListener('change', apply);
    apply();
  }

  // A name in a legend shows and hides its series in every chart of its part of the page.
  for (const button of document.querySelectorAll('[data-toggle]')) {
    button.addEventListener('click', () => {
      const part = button.closest('section'), shown = button.getAttribute('aria-pressed') === 'true', key = button.dataset.toggle;
      for (const other of part.querySelectorAll('[data-toggle]')) if (other.dataset.toggle === key) other.setAttribute('aria-pressed', String(!shown));
      for (const group of part.querySelectorAll('[data-series]')) if (group.dataset.series === key) group.classList.toggle('off', shown);
    });
  }

  // Values: each chart carries its series as names n, colors c, places x, values v and coordinates p (x, y, x, y, …).
  const hide = svg => { tip.hidden = true; svg.querySelectorAll('.cursor, .spot').forEach(part => part.remove()); };
  const shape = (svg, kind, attributes) => {
    const part = document.createElementNS(ns, kind);
    for (const key in attributes) part.setAttribute(key, attributes[key]);
    svg.appendChild(part);
  };
  for (const svg of document.querySelectorAll('svg[data-chart]')) {
    const all = JSON.parse(svg.dataset.chart), box = svg.viewBox.baseVal, groups = svg.querySelectorAll('[data-series]');
    const isAcross = svg.getAttribute('aria-label').startsWith('Line');
    const series = () => all.filter((one, i) => !groups[i]?.classList.contains('off') && one.x.length);
    // Lines are read along x, by the nearest point; bars by their group.
    const nearest = (one, px) => {
      let best = 0;
      for (let i = 1; i < one.x.length; i++) if (Math.abs(one.p[2 * i] - px) < Math.abs(one.p[2 * best] - px)) best = i;
      return best;
    };
    const places = () => {
      const seen = new Map();
      for (const one of series()) one.x.forEach((x, i) => { if (!seen.has(x)) seen.set(x, [one.p[2 * i], one.p[2 * i + 1]]); });
      return [...seen].sort((a, b) => isAcross ? a[1][0] - b[1][0] : 0);
    };
    let place = null;
    const show = (label, at) => {
      hide(svg);
      place = label;
      const rows = [];
      for (const one of series()) {
        let i = one.x.indexOf(label);
        if (i < 0 && isAcross) { i = nearest(one, at); if (Math.abs(one.p[2 * i] - at) > 4) i = -1; }
        if (i >= 0) rows.push([one, i]);
      }
      if (!rows.length) return;
      if (isAcross) shape(svg, 'line', { class: 'cursor', x1: rows[0][0].p[2 * rows[0][1]], x2: rows[0][0].p[2 * rows[0][1]], y1: 0, y2: box.height - 22 });
      for (const [one, i] of rows) shape(svg, 'circle', { class: `spot c${one.c}`, r: 3.5, cx: one.p[2 * i], cy: one.p[2 * i + 1] });
      const head = document.createElement('b');
      const axis = svg.dataset.axis;
      head.textContent = axis ? `${axis} ${label}` : label;
      tip.replaceChildren(head, ...rows.map(([one, i]) => {
        const row = document.createElement('div'), who = document.createElement('span'), color = document.createElement('i'), value = document.createElement('span');
        color.className = `c${one.c}`;
        who.append(color, one.n);
        value.textContent = one.v[i];
        row.append(who, value);
        return row;
      }));
      tip.hidden = false;
      const frame = svg.getBoundingClientRect(), scale = frame.width / box.width;
      const x = frame.left + rows[0][0].p[2 * rows[0][1]] * scale, y = frame.top + Math.min(...rows.map(([one, i]) => one.p[2 * i + 1])) * scale;
      const left = x + 14 + tip.offsetWidth < innerWidth - 8 ? x + 14 : Math.max(8, x - 14 - tip.offsetWidth);
      const top = Math.max(8, Math.min(y - tip.offsetHeight / 2, innerHeight - tip.offsetHeight - 8));
      tip.style.left = `${left + scrollX}px`;
      tip.style.top = `${top + scrollY}px`;
    };
    const point = event => {
      const frame = svg.getBoundingClientRect(), px = (event.clientX - frame.left) * box.width / frame.width, py = (event.clientY - frame.top) * box.width / frame.width;
      let best = null, least = Infinity;
      for (const one of series()) {
        one.x.forEach((x, i) => {
          const dx = one.p[2 * i] - px, dy = one.p[2 * i + 1] - py, far = isAcross ? Math.abs(dx) : Math.hypot(dx, dy);
          if (far < least) { least = far; best = [x, one.p[2 * i]]; }
        });
      }
      if (best) show(best[0], best[1]);
    };
    svg.addEventListener('pointermove', point);
    svg.addEventListener('pointerdown', point);
    svg.addEventListener('pointerleave', () => hide(svg));
    svg.addEventListener('blur', () => hide(svg));
    svg.addEventListener('focus', () => { if (svg.matches(':focus-visible')) { const list = places(); if (list.length) show(list[list.length - 1][0], list[list.length - 1][1][0]); } });
    svg.addEventListener('keydown', event => {
      const list = places(), now = list.findIndex(entry => entry[0] === place);
      const next = { ArrowRight: now + 1, ArrowLeft: now < 0 ? list.length - 1 : now - 1, Home: 0, End: list.length - 1 }[event.key];
      if (event.key === 'Escape') hide(svg);
      if (next === undefined || !list.length) return;
      event.preventDefault();
      const [label, at] = list[Math.max(0, Math.min(list.length - 1, next))];
      show(label, at[0]);
    });
  }
})();
