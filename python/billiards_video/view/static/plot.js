// Frame intervals and latency over the last seconds, on a canvas.

import { WINDOW_MS, median } from "./samples.js";

const LEFT = 38;
const BOTTOM = 18;
const TOP = 6;

export class Plot {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
  }

  draw(samples, now) {
    const { canvas, context } = this;
    const scale = devicePixelRatio || 1;
    const width = canvas.clientWidth, height = canvas.clientHeight;
    if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
      canvas.width = Math.round(width * scale);
      canvas.height = Math.round(height * scale);
    }
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.clearRect(0, 0, width, height);
    const style = getComputedStyle(canvas);
    const colour = (name) => style.getPropertyValue(name).trim();
    const highest = Math.max(20, ...samples.flatMap(({ interval, latency }) => [interval || 0, latency || 0]));
    const step = niceStep(highest / 3);
    const top = Math.ceil(highest / step) * step;
    const x = (at) => LEFT + (1 - (now - at) / WINDOW_MS) * (width - LEFT - 2);
    const y = (ms) => height - BOTTOM - (Math.min(ms, top) / top) * (height - BOTTOM - TOP);

    context.font = `11px ${style.fontFamily}`;
    context.fillStyle = colour("--soft");
    context.strokeStyle = colour("--line");
    context.lineWidth = 1;
    context.textBaseline = "middle";
    context.textAlign = "right";
    for (let ms = 0; ms <= top; ms += step) {
      context.beginPath();
      context.moveTo(LEFT, y(ms));
      context.lineTo(width, y(ms));
      context.stroke();
      context.fillText(ms === 0 ? "0 ms" : ms >= 1000 ? `${ms / 1000} s` : String(ms), LEFT - 6, y(ms));
    }
    context.textBaseline = "alphabetic";
    context.textAlign = "left";
    context.fillText("20 s ago", LEFT, height - 3);
    context.textAlign = "right";
    context.fillText("now", width - 2, height - 3);

    context.save();
    context.beginPath();
    context.rect(LEFT, 0, width - LEFT, height);
    context.clip();
    this.#line(samples, "interval", colour("--publish"), [], x, y);
    this.#line(samples, "latency", colour("--show"), [4, 3], x, y);
    context.restore();
  }

  #line(samples, key, colour, dash, x, y) {
    const { context } = this;
    context.strokeStyle = colour;
    context.lineWidth = 1.6;
    context.lineJoin = "round";
    context.setLineDash(dash);
    context.beginPath();
    let drawing = false;
    for (const sample of samples) {
      if (!Number.isFinite(sample[key])) {
        drawing = false;
        continue;
      }
      if (drawing) context.lineTo(x(sample.at), y(sample[key]));
      else context.moveTo(x(sample.at), y(sample[key]));
      drawing = true;
    }
    context.stroke();
    context.setLineDash([]);
  }

  describe(samples) {
    const words = ["interval", "latency"].map((key) => {
      const values = samples.map((sample) => sample[key]).filter(Number.isFinite);
      return values.length ? `median ${Math.round(median(values))} ms, at most ${Math.round(Math.max(...values))} ms` : "nothing";
    });
    this.canvas.setAttribute("aria-label", `Last 20 seconds. Between frames: ${words[0]}. Capture to screen: ${words[1]}.`);
  }
}

function niceStep(rough) {
  const power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= rough);
}
