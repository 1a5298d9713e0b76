"use strict";
// The last minute of every sensor: 1200 values of 50 ms, drawn by uPlot, or by a few lines of our own without it.
(() => {
  const SHOWN = 1200;
  const STEP_S = 0.05;
  const LEAST_G = 0.25;
  const HEIGHT = 84;
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  class Trace {
    constructor(element) {
      this.element = element;
      this.values = new Array(SHOWN).fill(null);
      this.newest = null;
      this.plot = null;
      this.canvas = null;
    }

    take([first, values], whole) {
      const last = first + values.length - 1;
      if (whole || this.newest === null) {
        this.values.fill(null);
        this.newest = last;
      } else if (last > this.newest) {
        const ahead = Math.min(last - this.newest, SHOWN);
        this.values.copyWithin(0, ahead);
        this.values.fill(null, SHOWN - ahead);
        this.newest = last;
      }
      values.forEach((value, n) => {
        const place = SHOWN - 1 - (this.newest - first - n);
        if (place >= 0 && value !== null) this.values[place] = value / 1000;
      });
    }

    // Times end at the newest sample of all sensors: one that is silent moves to the left.
    draw(newest) {
      const behind = this.newest === null ? 0 : newest - this.newest;
      const values = behind > 0 ? this.values.slice(behind).concat(new Array(Math.min(behind, SHOWN)).fill(null)) : this.values;
      const top = Math.max(LEAST_G, ...values.filter((v) => v !== null)) * 1.1;
      if (window.uPlot) this.uplot(values.slice(0, SHOWN), top);
      else this.own(values.slice(0, SHOWN), top);
    }

    uplot(values, top) {
      const data = [Trace.times, values];
      if (this.plot === null) {
        const axis = { stroke: colour("--dim"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false } };
        this.plot = new window.uPlot({
          width: this.element.clientWidth, height: HEIGHT, legend: { show: false }, cursor: { show: false },
          scales: { x: { time: false, range: [-60, 0] }, y: { range: () => [0, this.top] } },
          axes: [
            { ...axis, size: 18, font: "11px sans-serif", values: (_, ticks) => ticks.map((t) => `${t} s`) },
            { ...axis, size: 44, font: "11px sans-serif", values: (_, ticks) => ticks.map((t) => `${t.toFixed(1)} g`) },
          ],
          series: [{}, { stroke: colour("--trace"), width: 1.5, points: { show: false } }],
        }, data, this.element);
      }
      this.top = top;
      this.plot.setData(data);
    }

    own(values, top) {
      if (this.canvas === null) {
        this.canvas = document.createElement("canvas");
        this.element.append(this.canvas);
      }
      const scale = window.devicePixelRatio || 1;
      const width = this.element.clientWidth;
      this.canvas.width = width * scale;
      this.canvas.height = HEIGHT * scale;
      const pen = this.canvas.getContext("2d");
      pen.scale(scale, scale);
      pen.strokeStyle = colour("--trace");
      pen.lineWidth = 1.5;
      pen.beginPath();
      let open = false;
      values.forEach((value, n) => {
        if (value === null) { open = false; return; }
        const x = (n / SHOWN) * width;
        const y = HEIGHT - 2 - (value / top) * (HEIGHT - 4);
        if (open) pen.lineTo(x, y); else pen.moveTo(x, y);
        open = true;
      });
      pen.stroke();
    }

    resized() {
      if (this.plot) this.plot.setSize({ width: this.element.clientWidth, height: HEIGHT });
    }
  }
  Trace.times = Array.from({ length: SHOWN }, (_, n) => (n - SHOWN + 1) * STEP_S);

  class Traces {
    constructor(root) {
      this.bySite = new Map();
      for (const element of root.querySelectorAll(".trace")) this.bySite.set(element.dataset.site, new Trace(element));
      window.addEventListener("resize", () => this.bySite.forEach((trace) => trace.resized()));
    }

    take(traces, whole) {
      for (const [site, changed] of Object.entries(traces)) {
        const trace = this.bySite.get(site);
        if (trace) trace.take(changed, whole);
      }
    }

    draw() {
      const known = [...this.bySite.values()].map((trace) => trace.newest).filter((newest) => newest !== null);
      if (known.length === 0) return;
      const newest = Math.max(...known);
      this.bySite.forEach((trace) => trace.draw(newest));
    }
  }
  window.LullwatchTraces = Traces;
})();
