// The page: joins the connection, the picture and the figures.

import { Connection } from "./connection.js";
import { Picture } from "./picture.js";
import { Plot } from "./plot.js";
import { Samples, median } from "./samples.js";
import { showReaders, showSettings, showStream } from "./tables.js";
import { bytes, milliseconds, rate, since } from "./words.js";

const FIGURES_MS = 250; // calm enough to read
const RECENT_MS = 2000;
const STALE_MS = 2000;

const byId = (id) => document.getElementById(id);
const samples = new Samples();
const plot = new Plot(byId("plot"));
let figures = null;
let lost = null; // { why, atWall } while there is no connection
let newest = null; // the sample of the frame on screen
let paused = false;
let told = { title: "", wall: Date.now() };

const connection = new Connection({
  opened() { lost = null; picture.restart(); },
  lost(why) { lost = { why, atWall: lost?.atWall ?? Date.now() }; figures = null; tell(); },
  figures(message) {
    figures = message;
    showStream(message);
    showReaders(message.stream);
    showSettings(message.settings);
    byId("name").textContent = message.name;
    byId("source").textContent = message.source ?? "";
    byId("source").title = message.source ?? "";
    tell();
  },
  frame(header, blob) { picture.show(header, blob); },
  refused(detail) { byId("traffic").textContent = detail; },
});

const picture = new Picture(byId("frame"), shown, () => connection.shown());

function shown(header, at) {
  const { clock } = connection;
  const server = clock.server(at);
  newest = {
    at,
    number: header.number,
    captured: header.captured_ms,
    bytes: header.bytes,
    discontinuity: header.discontinuity,
    publish: header.published_ms - header.captured_ms,
    encode: header.encoded_ms - header.published_ms,
    show: server - header.encoded_ms,
    latency: server - header.captured_ms,
    header,
  };
  // A frame that had stood still before we came is old, not late.
  if (newest.latency > 10000) newest.latency = newest.show = newest.encode = NaN;
  samples.add(newest);
}

// What is so, in words: the connection first, then the stream, then what the picture itself shows.
function situation() {
  if (lost) {
    return lost.why
      ? { mood: "broken", title: "Not admitted", reason: lost.why, remedy: "", wall: lost.atWall }
      : { mood: "broken", title: "The view's server is gone", reason: "Nothing answers at this address.",
          remedy: "Start it: billiards-video view. This page goes on trying.", wall: lost.atWall };
  }
  if (!figures) return { mood: "waiting", title: "Connecting", reason: "", remedy: "" };
  if (figures.mood !== "live") {
    const wall = figures.since_ms === null ? null : Date.now() - (figures.now_ms - figures.since_ms);
    return { mood: figures.mood, title: figures.title, reason: figures.reason, remedy: figures.remedy, wall };
  }
  if (paused) return { mood: "live", title: "Live", message: "Paused", reason: "", remedy: "Space goes on.", quiet: true };
  if (!newest) return { mood: "waiting", title: "Waiting for a picture", reason: "", remedy: "" };
  const still = performance.now() - newest.at;
  if (still > STALE_MS + periodOfWish()) {
    return { mood: "waiting", title: "No new picture", reason: "The stream is live, but no frame of it comes here.",
             remedy: "", wall: Date.now() - still };
  }
  return { mood: "live", title: "Live", reason: "", remedy: "" };
}

function tell() {
  const now = situation();
  if (now.title !== told.title) told = { title: now.title, wall: Date.now() };
  document.body.dataset.mood = now.mood;
  setText("state-title", now.title);
  const quiet = now.mood === "live" && !now.message;
  byId("message").hidden = quiet;
  byId("picture").classList.toggle("stale", !quiet && !now.quiet);
  setText("message-title", now.message ?? now.title);
  setText("message-reason", now.reason);
  setText("announcement", [now.message ?? now.title, now.reason, now.remedy].filter(Boolean).join(" – ")); // without the time, which runs
  setText("message-remedy", now.remedy);
  setText("message-since", quiet || now.quiet ? "" : since(now.wall ?? told.wall));
  document.title = `${now.title} · ${figures?.name ?? "Live view"}`;
}

function setText(id, text) {
  const place = byId(id);
  if (place.textContent !== text) place.textContent = text;
}

function update() {
  tell();
  const now = performance.now();
  samples.forget(now);
  const recent = samples.since(now - RECENT_MS);
  const perSecond = recent.length > 1 ? ((recent.length - 1) * 1000) / (recent.at(-1).at - recent[0].at) : NaN;
  const live = figures?.mood === "live";
  setText("fps", live ? rate(figures.fps ?? perSecond) : "–");
  setText("fps-beside", live && !paused ? `${rate(perSecond)} shown` : "");
  setText("age", newest ? milliseconds(connection.clock.server(now) - newest.captured) : "–");
  const parts = ["publish", "encode", "show"].map((key) => median(recent.map((sample) => sample[key])));
  ["l-publish", "l-encode", "l-show"].forEach((id, i) => setText(id, milliseconds(parts[i])));
  [...byId("bar").children].forEach((part, i) => { part.style.flexGrow = Number.isFinite(parts[i]) ? Math.max(parts[i], 0) : 0; });
  setText("latency", milliseconds(median(recent.map((sample) => sample.latency))));
  setText("latency-beside", recent.length ? `± ${milliseconds(connection.clock.error)}` : "");
  setText("clock", connection.clock.known
    ? `Medians of two seconds. The clocks of server and browser are compared over the connection, to ± ${milliseconds(connection.clock.error)}.` : "");
  const stream = figures?.stream;
  setText("resolution", stream ? `${stream.width} × ${stream.height}` : "–");
  const smaller = stream && newest && newest.header.width !== stream.width;
  setText("resolution-beside", smaller ? `shown as ${newest.header.width} × ${newest.header.height}` : "");
  const traffic = recent.reduce((sum, sample) => sum + sample.bytes, 0) / (RECENT_MS / 1000);
  setText("traffic", recent.length ? `${bytes(newest.bytes)} a picture, ${bytes(traffic)} a second.` : "");
  if (!document.hidden) plot.draw(samples.list, now);
}

function describe() {
  plot.describe(samples.list);
  const label = newest ? `Live picture, frame ${newest.number}, ${newest.header.width} by ${newest.header.height}` : "Live picture; no frame yet";
  byId("frame").setAttribute("aria-label", label);
}

function wish() {
  const form = new FormData(byId("want"));
  return Object.fromEntries([...form].map(([key, value]) => [key, value || null]));
}

function periodOfWish() { return 1000 / (Number(wish().fps) || 1000); }

function setPaused(on) {
  paused = on;
  byId("pause").dataset.paused = String(on);
  byId("pause").title = on ? "Play (space)" : "Pause (space)";
  setText("pause-label", on ? "Play" : "Pause");
  connection.playing = !on && !document.hidden;
  tell();
}

byId("pause").addEventListener("click", () => setPaused(!paused));
byId("fullscreen").addEventListener("click", () =>
  document.fullscreenElement ? document.exitFullscreen() : byId("picture").requestFullscreen());
byId("want").addEventListener("change", () => connection.want(wish()));
document.addEventListener("visibilitychange", () => { connection.playing = !paused && !document.hidden; });
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  // A list takes letters itself, and a button or a link the space.
  if (event.target.closest(event.key === " " ? "select, button, a" : "select")) return;
  const button = { " ": "pause", f: "fullscreen", s: "snapshot" }[event.key];
  if (!button) return;
  event.preventDefault();
  byId(button).click();
});
setInterval(update, FIGURES_MS);
setInterval(describe, 5000);
