/** Numbers, times and texts for people. */

const HIDDEN =
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]/gu;

const whole = new Intl.NumberFormat("en");
const short = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const ago = new Intl.RelativeTimeFormat("en", { numeric: "auto", style: "narrow" });
const full = new Intl.DateTimeFormat("en-GB", {
  day: "numeric", month: "short", year: "numeric",
  hour: "2-digit", minute: "2-digit", second: "2-digit", timeZoneName: "short",
});
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });

export const UNKNOWN = "–";

/**
 * *text* with invisible characters written out: control characters, and the marks that
 * change the writing direction and can make one text look like another.
 */
export function visible(text) {
  return String(text ?? "").replace(HIDDEN, (hidden) => {
    const code = hidden.codePointAt(0).toString(16).toUpperCase().padStart(4, "0");
    return `⟨U+${code}⟩`;
  });
}

/** *text* as one line of at most *most* characters. */
export function line(text, most = 300) {
  const start = String(text ?? "").slice(0, most + 1);
  const flat = visible(start.replace(/\s+/g, " ").trim());
  return start.length > most ? `${flat}…` : flat;
}

export function isNumber(value) {
  return typeof value === "number" && Number.isFinite(value);
}

export function count(value) {
  return isNumber(value) ? whole.format(value) : UNKNOWN;
}

export function compact(value) {
  return isNumber(value) ? short.format(value).replace("K", "k") : UNKNOWN;
}

/** US dollars; small amounts get more digits. */
export function money(value) {
  if (!isNumber(value)) return UNKNOWN;
  if (value === 0) return "$0";
  if (value < 0.0001) return "<$0.0001";
  return `$${value.toFixed(value < 0.1 ? 4 : 2)}`;
}

/** A time span given in milliseconds. */
export function duration(ms) {
  if (!isNumber(ms)) return UNKNOWN;
  if (ms < 1) return ms > 0 ? "<1 ms" : "0 ms";
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(ms < 9_995 ? 2 : 1)} s`;
  const seconds = Math.round(ms / 1000);
  const [minutes, rest] = [Math.floor(seconds / 60), seconds % 60];
  if (minutes < 60) return `${minutes}m ${String(rest).padStart(2, "0")}s`;
  return `${Math.floor(minutes / 60)}h ${String(minutes % 60).padStart(2, "0")}m`;
}

/** How long ago a moment (ms since the epoch) was, roughly. */
export function since(ms, now = Date.now()) {
  const seconds = Math.round((ms - now) / 1000);
  const past = Math.abs(seconds);
  if (past < 5) return "now";
  if (past < 60) return ago.format(seconds, "second");
  if (past < 3600) return ago.format(Math.trunc(seconds / 60), "minute");
  if (past < 86_400) return ago.format(Math.trunc(seconds / 3600), "hour");
  if (past < 604_800) return ago.format(Math.trunc(seconds / 86_400), "day");
  return day.format(ms);
}

/** A moment in full, in the reader's own time zone, with the zone's name. */
export function moment(ms) {
  return isNumber(ms) ? full.format(ms) : UNKNOWN;
}

/** The size of a text, rounded. */
export function size(text) {
  const length = text.length;
  if (length < 1000) return `${length} characters`;
  return length < 1e6 ? `${(length / 1e3).toFixed(1)} k characters` : `${(length / 1e6).toFixed(1)} M characters`;
}

/** "once", "3 times". */
export function times(amount) {
  return amount === 1 ? "once" : `${count(amount)} times`;
}

/** "1 step", "2 steps". */
export function pluralize(amount, noun) {
  return `${count(amount)} ${noun}${amount === 1 ? "" : "s"}`;
}
