// Shows the newest JPEG, and notes when.

export class Picture {
  #canvas;
  #context;
  #next = null;
  #drawing = false;
  #newest = 0; // the serial of the newest frame that was decoded

  // `shown(header, atMs)` is called for each frame that is on the canvas, `done()` for each that is dealt with.
  constructor(canvas, shown, done) {
    this.#canvas = canvas;
    this.#context = canvas.getContext("2d", { alpha: false });
    this.shown = shown;
    this.done = done;
  }

  // The server counts from the beginning again.
  restart() { this.#newest = 0; }

  async show(header, blob) {
    let bitmap;
    try {
      bitmap = await createImageBitmap(blob);
    } catch {
      this.done();
      return;
    }
    if (header.serial < this.#newest) { // it took longer to decode than the one after it
      bitmap.close();
      this.done();
      return;
    }
    this.#newest = header.serial;
    if (this.#next) {
      this.#next.bitmap.close();
      this.done();
    }
    this.#next = { header, bitmap };
    if (!this.#drawing) {
      this.#drawing = true;
      requestAnimationFrame(() => this.#draw());
    }
  }

  #draw() {
    this.#drawing = false;
    const { header, bitmap } = this.#next;
    this.#next = null;
    const canvas = this.#canvas;
    if (canvas.width !== bitmap.width || canvas.height !== bitmap.height) {
      canvas.width = bitmap.width;
      canvas.height = bitmap.height;
      canvas.parentElement.style.setProperty("--aspect", `${bitmap.width} / ${bitmap.height}`);
    }
    this.#context.drawImage(bitmap, 0, 0);
    bitmap.close();
    this.shown(header, performance.now());
    this.done();
  }
}
