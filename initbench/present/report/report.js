"use strict";
(() => {
  const root = document.documentElement;
  root.classList.add("js");
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];

  function fillNavigation() {
    const list = document.querySelector("nav ul");
    for (const heading of all("main h2")) {
      const link = document.createElement("a");
      link.href = `#${heading.id}`;
      link.textContent = heading.textContent;
      list.appendChild(document.createElement("li")).append(link);
    }
    list.parentNode.hidden = false;
  }

  function makeFilter(box) {
    const [setting, name, text, count] = [".by-setting", ".by-initializer", ".by-text", ".count"].map((s) => box.querySelector(s));
    if (!text) return;
    const rows = all("tbody tr", box);
    const sentences = all(".words li", box);
    const words = rows.map((row) => row.textContent.toLowerCase());
    const apply = () => {
      const sought = text.value.trim().toLowerCase();
      let shown = 0;
      rows.forEach((row, i) => {
        const fits = (!setting?.value || row.dataset.setting === setting.value)
          && (!name?.value || row.dataset.initializers.split(" ").includes(name.value))
          && words[i].includes(sought);
        row.hidden = !fits;
        if (sentences.length) sentences[i].hidden = !fits;
        shown += fits;
      });
      count.textContent = shown === rows.length ? `${shown} rows` : `${shown} of ${rows.length} rows`;
    };
    for (const control of [setting, name, text]) control?.addEventListener("input", apply);
    apply();
  }

  const paint = (name) => getComputedStyle(root).getPropertyValue(name).trim();
  const number = (value) => (value === null || value === undefined ? "–" : String(+value.toPrecision(4)));

  class Chart {
    constructor(box) {
      this.box = box;
      this.data = JSON.parse(box.querySelector(".data").textContent);
      const find = (name) => box.querySelector(`.${name}`);
      Object.assign(this, {
        setting: find("setting"), metric: find("metric"), from: find("from"), log: find("log"), band: find("band"),
        plot: find("plot"), reading: find("reading"), numbers: find("numbers"),
      });
      this.toggles = all(".legend input", box);
      this.labels = this.toggles.map((toggle) => toggle.parentNode);
      this.values = this.labels.map((label) => label.querySelector("output"));
      for (const control of [this.setting, this.metric]) control?.addEventListener("input", () => this.choose());
      for (const control of [this.from, this.log, this.band]) control.addEventListener("input", () => this.draw());
      this.toggles.forEach((toggle, i) => {
        toggle.addEventListener("input", () => this.draw());
        const focus = (on) => this.chart?.setSeries(on ? 3 * i + 3 : null, { focus: on });
        this.labels[i].addEventListener("mouseenter", () => focus(true));
        this.labels[i].addEventListener("mouseleave", () => focus(false));
      });
      const first = this.toggles.filter((toggle) => toggle.defaultChecked).length;
      for (const [name, most] of [["every", Infinity], ["nothing", 0], ["leading", first]]) {
        find(name)?.addEventListener("click", () => {
          this.toggles.forEach((toggle, i) => { toggle.checked = i < most; });
          this.draw();
        });
      }
      this.plot.addEventListener("keydown", (event) => this.step(event));
      box.querySelector("details").addEventListener("toggle", () => this.tabulate());
      new ResizeObserver(() => {
        if (!root.classList.contains("printing") && this.plot.clientWidth !== this.chart.width) this.draw();
      }).observe(this.plot);
      this.choose();
    }

    get where() { return this.data.settings[this.setting?.value ?? 0]; }

    lines() {
      const { epochs, lines } = this.where;
      const first = { all: 0, 1: 1, half: epochs[epochs.length - 1] / 2 }[this.from.value];
      const kept = epochs.map((epoch, i) => (epoch >= first ? i : -1)).filter((i) => i >= 0);
      const nothing = [epochs.map(() => null), epochs.map(() => null), epochs.map(() => null)];
      return {
        epochs: kept.map((i) => epochs[i]),
        lines: this.data.names.map(({ name }) => (lines[this.metric.value]?.[name] ?? nothing).map((end) => kept.map((i) => end[i]))),
      };
    }

    choose() {
      const means = this.lines().lines.flatMap(([mean]) => mean).filter((value) => value > 0);
      this.log.checked = this.metric.value.endsWith("loss") && Math.max(...means) > 100 * Math.min(...means);
      this.draw();
      this.tabulate();
    }

    draw(width = this.plot.clientWidth) {
      const { epochs, lines } = this.lines();
      const shown = this.toggles.map((toggle) => toggle.checked);
      const [ink, line] = [paint("--soft"), paint("--line")];
      const colors = this.labels.map((label) => getComputedStyle(label).color);
      const isLog = this.log.checked;
      const least = Math.min(...lines.flatMap(([mean]) => mean).filter((value) => value > 0)) / 3;
      const drawable = (value) => (value === null || !isLog ? value : Math.max(value, least));
      const count = shown.filter(Boolean).length;
      const series = lines.flatMap((_, i) => {
        const edge = { show: shown[i] && this.band.checked, width: 0, points: { show: false } };
        const mean = { show: shown[i], stroke: colors[i], width: count > 12 ? 1.25 : 2, dash: this.data.names[i].dash, points: { show: false } };
        return [edge, edge, mean];
      });
      const axis = { stroke: ink, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 }, font: `12px ${paint("--sans")}` };
      const alpha = Math.round(0.18 * Math.min(1, 8 / Math.max(1, count)) * 255).toString(16).padStart(2, "0");
      this.chart?.destroy();
      this.chart = new uPlot({
        width, height: Math.max(260, Math.min(420, 0.55 * width)), padding: [10, 14, 0, 0], legend: { show: false }, focus: { alpha: 0.2 },
        cursor: { y: false, drag: { x: false, y: false }, points: { show: false } },
        scales: { x: { time: false }, y: isLog ? { distr: 3 } : { range: (_, low, high) => this.range(low, high) } },
        axes: [{ ...axis, label: "epoch", labelFont: axis.font, labelSize: 18, size: 34, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000] },
          { ...axis, size: 56, values: (_, ticks) => ticks.map((tick) => (tick === null ? "" : String(+tick.toPrecision(6)))) }],
        series: [{}, ...series],
        bands: lines.map((_, i) => ({ series: [3 * i + 2, 3 * i + 1], fill: hex(colors[i]) + alpha })),
        hooks: {
          drawClear: [(u) => this.drawChance(u, ink)],
          drawSeries: [(u, index) => this.drawMarkers(u, index, colors)],
          setCursor: [(u) => this.read(u.cursor.idx)],
        },
      }, [epochs, ...lines.flatMap(([mean, low, high]) => [low.map(drawable), high.map(drawable), mean.map(drawable)])], this.plot);
    }

    range(low, high) {
      if (low === null) return [0, 1];
      const margin = 0.04 * (high - low) || 0.5;
      const top = this.metric.value.endsWith("accuracy") ? 100 : Infinity;
      return [Math.max(0, low - margin), Math.min(top, high + margin)];
    }

    drawChance(u, color) {
      if (!this.metric.value.endsWith("accuracy")) return;
      const { ctx, bbox } = u;
      ctx.save();
      ctx.setLineDash([4 * devicePixelRatio, 4 * devicePixelRatio]);
      ctx.strokeStyle = color;
      ctx.lineWidth = devicePixelRatio;
      for (const chance of this.where.chance) {
        const y = u.valToPos(chance, "y", true);
        if (y < bbox.top || y > bbox.top + bbox.height) continue;
        ctx.beginPath();
        ctx.moveTo(bbox.left, y);
        ctx.lineTo(bbox.left + bbox.width, y);
        ctx.stroke();
      }
      ctx.restore();
    }

    drawMarkers(u, index, colors) {
      if (index % 3 || !u.series[index].show) return;
      const i = index / 3 - 1;
      const shape = new Path2D(this.data.names[i].shape);
      const [epochs, values] = [u.data[0], u.data[index]];
      const every = Math.max(1, Math.floor(epochs.length / 8));
      u.ctx.save();
      u.ctx.fillStyle = colors[i];
      u.ctx.globalAlpha = u.series[index].alpha ?? 1;
      for (let k = 0; k < epochs.length; k += every) {
        if (values[k] === null) continue;
        u.ctx.save();
        u.ctx.translate(u.valToPos(epochs[k], "x", true), u.valToPos(values[k], "y", true));
        u.ctx.scale(4 * devicePixelRatio, 4 * devicePixelRatio);
        u.ctx.fill(shape);
        u.ctx.restore();
      }
      u.ctx.restore();
    }

    read(index, isSpoken = false) {
      const { epochs, lines } = this.lines();
      const isOff = index === null || index === undefined;
      this.at = isOff ? null : index;
      const told = [];
      this.values.forEach((value, i) => {
        const [mean, low, high] = lines[i].map((end) => end[index]);
        const interval = low === null || low === undefined ? "" : ` [${number(low)}, ${number(high)}]`;
        value.textContent = isOff ? "" : number(mean) + interval;
        if (!isOff && this.toggles[i].checked) told.push(`${this.data.names[i].name} ${number(mean)}`);
      });
      if (isSpoken) this.reading.textContent = `epoch ${epochs[index]}: ${told.join("; ")}`;
      else this.reading.textContent = isOff ? "" : `epoch ${epochs[index]}`;
    }

    step(event) {
      const last = this.chart.data[0].length - 1;
      const next = { ArrowLeft: (this.at ?? last + 1) - 1, ArrowRight: (this.at ?? -1) + 1, Home: 0, End: last }[event.key];
      if (next === undefined) return;
      event.preventDefault();
      const index = Math.max(0, Math.min(last, next));
      this.chart.setCursor({ left: this.chart.valToPos(this.chart.data[0][index], "x"), top: 10 }, false);
      this.read(index, true);
    }

    tabulate() {
      this.numbers.replaceChildren();
      if (!this.numbers.parentNode.open) return;
      const { epochs, lines } = this.where;
      const table = this.numbers.appendChild(document.createElement("table"));
      const row = (section, head, cells) => {
        const line = section.insertRow();
        for (const [i, text] of [head, ...cells].entries()) {
          const isHead = section === table.tHead || i === 0;
          const cell = line.appendChild(document.createElement(isHead ? "th" : "td"));
          if (isHead) cell.scope = section === table.tHead ? "col" : "row";
          cell.textContent = text;
        }
      };
      const caption = this.metric.selectedOptions[0].textContent;
      table.createCaption().textContent = this.where.name ? `${caption}, ${this.where.name}` : caption;
      table.createTHead();
      row(table.tHead, "epoch", epochs);
      const body = table.createTBody();
      for (const { name } of this.data.names) {
        const line = lines[this.metric.value]?.[name];
        if (line) row(body, name, line[0].map(number));
      }
    }
  }

  const hex = (color) => `#${color.match(/\d+/g).slice(0, 3).map((part) => (+part).toString(16).padStart(2, "0")).join("")}`;

  fillNavigation();
  all(".table").forEach(makeFilter);
  const charts = all(".curves").map((box) => new Chart(box));
  const redraw = (width) => charts.forEach((chart) => chart.draw(width));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => redraw());
  let closed = [];
  addEventListener("beforeprint", () => {
    root.classList.add("printing");
    closed = all("details:not([open])").filter((part) => !part.closest(".curves"));  // curves are drawn already
    closed.forEach((part) => { part.open = true; });
    redraw(660);
  });
  addEventListener("afterprint", () => {
    root.classList.remove("printing");
    closed.forEach((part) => { part.open = false; });
    redraw();
  });
})();
