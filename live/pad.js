// A canvas to draw on, with the mouse, a pen or a finger.

/** A stroke as points [x, y] of the unit square, while the hand is down.
 *
 * allowed(event): may a stroke begin; moved(): it grows; ended(points): it is done, null if it was given up.
 */
export class Pad {
  stroke = null;

  constructor(canvas, { allowed, moved, ended }) {
    canvas.classList.add("drawable");
    const end = (points) => {
      this.stroke = null;
      ended(points);
    };
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button || !event.isPrimary || !allowed(event)) return;
      event.preventDefault();
      canvas.setPointerCapture(event.pointerId); // the hand may leave the canvas
      this.stroke = [place(canvas, event)];
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!this.stroke || !event.isPrimary) return;
      const between = event.getCoalescedEvents?.() ?? [];
      this.stroke.push(...(between.length ? between : [event]).map((event) => place(canvas, event)));
      moved();
    });
    canvas.addEventListener("pointerup", (event) => this.stroke && event.isPrimary && end(this.stroke));
    canvas.addEventListener("pointercancel", () => this.stroke && end(null));
  }
}

function place(canvas, event) {
  const { left, bottom, width, height } = canvas.getBoundingClientRect(), share = (u) => Math.min(1, Math.max(0, u));
  return [share((event.clientX - left) / width), share((bottom - event.clientY) / height)];
}
