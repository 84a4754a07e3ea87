// Numbers as people read them, as the report writes them.

const DASH = "–";
const known = (v) => typeof v === "number" && Number.isFinite(v);

export const percent = (share, digits = 2) => (known(share) ? `${(100 * share).toFixed(digits)} %` : DASH);

export const count = (number) => (known(number) ? Math.round(number).toLocaleString("en") : DASH);

/** Write a number with up to three digits: 12345678 is `12.3 M`. */
export function short(number) {
  if (!known(number)) return DASH;
  for (const [unit, size] of [["T", 1e12], ["G", 1e9], ["M", 1e6], ["k", 1e3]]) {
    if (Math.abs(number) >= 0.9995 * size) return `${Number((number / size).toPrecision(3))} ${unit}`;
  }
  return `${Number(number.toPrecision(3))}`;
}

export function time(seconds) {
  if (!known(seconds)) return DASH;
  for (const [unit, size] of [["s", 1], ["ms", 1e-3]]) if (Math.abs(seconds) >= 0.9995 * size) return `${Number((seconds / size).toPrecision(3))} ${unit}`;
  return `${Number((seconds / 1e-6).toPrecision(3))} µs`;
}

export function duration(seconds) {
  if (!known(seconds)) return DASH;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const [minutes, rest] = [Math.floor(whole / 60), whole % 60];
  const [hours, left] = [Math.floor(minutes / 60), minutes % 60];
  if (hours >= 48) return `${Math.floor(hours / 24)} d ${hours % 24} h`;
  return hours ? `${hours} h${left ? ` ${left} min` : ""}` : `${minutes} min${rest ? ` ${rest} s` : ""}`;
}

export function metric(name, value) {
  if (!known(value)) return DASH;
  if (name.endsWith("accuracy")) return percent(value);
  if (name.endsWith("_s")) return time(value);
  if (name === "n_params") return count(value);
  if (name === "flops") return short(value);
  if (name.endsWith("_mb")) return `${Math.abs(value) >= 999.5 ? count(value) : Number(value.toPrecision(3))} MB`;
  return `${Number(value.toPrecision(6))}`;
}

/** Write a value for the tick of an axis, in as few characters as can be. */
export function tick(name, value) {
  if (name.endsWith("accuracy")) return `${Number((100 * value).toPrecision(6))} %`;
  if (name.endsWith("_s")) return time(value);
  if (name === "n_params" || name === "flops") return short(value);
  return `${Number(value.toPrecision(6))}`;
}

/** Write so much of a budget: `24 of 60`. */
export const counted = (done, most) => {
  const said = Number.isInteger(done) ? done.toLocaleString("en") : String(Number(done.toPrecision(3)));
  return most === null || most === undefined ? said : `${said} of ${Number(most.toPrecision(10)).toLocaleString("en")}`;
};
