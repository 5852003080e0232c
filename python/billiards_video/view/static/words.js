// Numbers and times as people read them.

export const whole = (number) => (Number.isFinite(number) ? Math.round(number).toLocaleString("en") : "–");

export const rate = (number) => (Number.isFinite(number) ? number.toFixed(1) : "–");

export function milliseconds(ms) {
  if (!Number.isFinite(ms)) return "–";
  if (ms < 10) return `${Math.max(0, ms).toFixed(1)} ms`;
  return ms < 1000 ? `${Math.round(ms)} ms` : duration(ms / 1000);
}

export function duration(seconds) {
  if (!Number.isFinite(seconds)) return "–";
  if (seconds < 10) return `${Math.max(0, seconds).toFixed(1)} s`;
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.floor(seconds % 60)} s`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} days ${hours % 24} h`;
}

export function bytes(number) {
  return number < 1e6 ? `${(number / 1e3).toFixed(0)} kB` : `${(number / 1e6).toFixed(1)} MB`;
}

export const since = (wallMs) =>
  `Since ${new Date(wallMs).toLocaleTimeString("en-GB")} (${duration((Date.now() - wallMs) / 1000)})`;
