// The lists beside the picture: the stream, its readers, the settings of its source.

import { duration, milliseconds, rate, whole } from "./words.js";

const byId = (id) => document.getElementById(id);

function element(kind, text, className) {
  const made = document.createElement(kind);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}

// Only what has changed is touched: a selection stays, and a screen reader is not told the same again.
function replace(place, rows) {
  const before = place.dataset.rows;
  const now = JSON.stringify(rows.map((row) => row.outerHTML));
  if (before === now) return;
  place.dataset.rows = now;
  place.replaceChildren(...rows);
}

export function showStream(figures) {
  const stream = figures.stream;
  const pairs = [];
  if (stream) {
    pairs.push(["Format", `${stream.format}, ${stream.width} × ${stream.height}`]);
    pairs.push(["Frames captured", whole(stream.captured)]);
    pairs.push(["Frames published", whole(stream.published)]);
    pairs.push(["Frames dropped", whole(stream.dropped)]);
    if (stream.skipped) pairs.push(["Skipped by the source", whole(stream.skipped)]);
    if (stream.reconnects !== null) pairs.push(["Reconnects", whole(stream.reconnects)]);
    if (stream.stalls !== null) pairs.push(["Stalls", whole(stream.stalls)]);
    pairs.push(["Buffers", whole(stream.buffers)]);
    pairs.push(["Capture process", `${stream.pid}`]);
  }
  if (figures.nominal_fps !== null) pairs.push(["Rate announced", `${rate(figures.nominal_fps)} fps`]);
  if (figures.uptime_sec !== null) pairs.push(["Up for", duration(figures.uptime_sec)]);
  pairs.push(["Viewers here", whole(figures.viewers)]);
  replace(byId("stream"), pairs.map(([name, value]) => {
    const row = document.createElement("div");
    row.append(element("dt", name), element("dd", value));
    return row;
  }));
}

export function showReaders(stream) {
  const readers = stream?.readers ?? [];
  replace(byId("readers"), readers.map((reader) => {
    const row = document.createElement("tr");
    const holds = reader.held ? `${reader.held} for ${milliseconds(reader.held_ms)}` : "–";
    row.append(
      element("td", reader.name || "(no name)"),
      element("td", String(reader.pid)),
      element("td", whole(reader.lag), reader.lag > 30 ? "bad" : ""),
      element("td", whole(reader.missed)),
      element("td", holds, reader.held_ms > 1000 ? "bad" : ""),
    );
    return row;
  }));
  byId("readers-note").textContent = !stream ? ""
    : stream.readers === null ? "The stream is another user's, who alone sees its readers."
    : readers.length ? "Behind and missed are counted in frames. “view” is this server." : "Nobody reads this stream.";
}

export function showSettings(settings) {
  byId("settings-section").hidden = settings.length === 0;
  const value = (one) => (one === null || one === undefined ? "–" : typeof one === "object" ? JSON.stringify(one) : String(one));
  replace(byId("settings"), settings.map((setting) => {
    const row = document.createElement("tr");
    const name = document.createElement("td");
    name.append(...value(setting.name).split(/(?<=_)/).flatMap((part) => [part, document.createElement("wbr")]));
    if (setting.note) name.append(element("small", setting.note));
    row.append(name, element("td", value(setting.asked)), element("td", value(setting.accepted)), element("td", value(setting.measured)));
    return row;
  }));
}
