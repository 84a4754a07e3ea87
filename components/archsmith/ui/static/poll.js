// Asks the server again and again, with longer pauses where the page is not looked at or the server does not answer.

export const PAUSE_MS = 900;

/**
 * Call `ask` now and again after pauses; it returns the pause in milliseconds that it would like, or nothing.
 * `failed` is told why it could not be asked, and null once it could.
 */
export function poll(ask, failed) {
  let [timer, failures, busy] = [null, 0, false];
  async function turn() {
    clearTimeout(timer);
    if (busy) return;
    busy = true;
    let pause = PAUSE_MS;
    try {
      pause = (await ask()) ?? PAUSE_MS;
      if (failures) failed(null);
      failures = 0;
    } catch (error) {
      failures += 1;
      pause = Math.min(10_000, 1000 * 2 ** Math.min(failures, 3));
      failed(error);
    }
    busy = false;
    timer = setTimeout(turn, document.hidden ? Math.max(pause, 15_000) : pause);
  }
  document.addEventListener("visibilitychange", () => { if (!document.hidden) turn(); });
  turn();
  return turn;
}
