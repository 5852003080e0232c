// The WebSocket to the server: comes back by itself, and knows how the server's clock stands to the browser's.

const RETRY_MS = 1000;
const SILENCE_MS = 5000; // the server sends figures once a second
const CLOCK_MS = 5000;
const CLOCK_SAMPLES = 12;

export class Clock {
  #samples = [];

  add(asked, now, serverMs) {
    this.#samples.push({ trip: now - asked, offset: serverMs - (asked + now) / 2 });
    if (this.#samples.length > CLOCK_SAMPLES) this.#samples.shift();
  }

  // The quickest round trip is the one that knows best: its error is half of it at most.
  get #best() {
    return this.#samples.reduce((best, one) => (best && best.trip <= one.trip ? best : one), null);
  }

  get known() { return this.#samples.length > 0; }

  get error() { return this.known ? this.#best.trip / 2 : NaN; }

  server(browserMs) { return this.known ? browserMs + this.#best.offset : NaN; }

  forget() { this.#samples = []; }
}

export class Connection {
  clock = new Clock();
  #socket = null;
  #want = {};
  #playing = true;
  #header = null;
  #heardAt = 0;

  // `hear` has a method for each: opened(), lost(why), figures(message), frame(header, blob), refused(detail).
  constructor(hear) {
    this.hear = hear;
    this.#open();
    setInterval(() => this.#askClock(), CLOCK_MS);
    setInterval(() => this.#checkSilence(), RETRY_MS);
  }

  shown() { this.#send({ type: "shown" }); }

  want(wish) {
    this.#want = wish;
    this.#send({ type: "want", ...wish });
  }

  set playing(on) {
    this.#playing = on;
    this.#send({ type: on ? "play" : "pause" });
  }

  #send(message) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  #open() {
    const address = new URL("ws", location.href);
    address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    address.search = new URLSearchParams(Object.entries(this.#want).filter(([, value]) => value));
    const socket = new WebSocket(address);
    this.#socket = socket;
    let opened = false;
    socket.binaryType = "blob";
    socket.onopen = () => {
      opened = true;
      this.#heardAt = performance.now();
      this.clock.forget();
      for (let i = 0; i < 3; i++) setTimeout(() => this.#askClock(), i * 150);
      if (!this.#playing) this.#send({ type: "pause" });
      this.hear.opened();
    };
    socket.onmessage = ({ data }) => {
      this.#heardAt = performance.now();
      if (typeof data === "string") this.#hearText(JSON.parse(data));
      else if (this.#header) this.hear.frame(this.#header, data);
    };
    socket.onclose = async () => {
      if (socket !== this.#socket) return;
      this.#header = null;
      this.hear.lost(opened ? "" : await refusal());
      setTimeout(() => this.#open(), RETRY_MS);
    };
  }

  #hearText(message) {
    if (message.type === "frame") this.#header = message;
    else if (message.type === "clock") this.clock.add(message.asked, performance.now(), message.server_ms);
    else if (message.type === "figures") this.hear.figures(message);
    else if (message.type === "refused") this.hear.refused(message.detail);
  }

  #askClock() { this.#send({ type: "clock", asked: performance.now() }); }

  // A machine that was switched off closes nothing.
  #checkSilence() {
    if (this.#socket?.readyState === WebSocket.OPEN && performance.now() - this.#heardAt > SILENCE_MS) {
      const silent = this.#socket;
      this.#socket = null;
      silent.close();
      this.hear.lost("");
      this.#open();
    }
  }
}

// Why a connection was refused: a browser does not tell what a WebSocket was answered.
async function refusal() {
  try {
    const answer = await fetch("api/v1/stream/video/status");
    return answer.ok ? "" : (await answer.json()).detail;
  } catch {
    return "";
  }
}
