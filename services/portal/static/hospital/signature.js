// A signature drawn with a finger, a pen or a mouse, as the data of an SVG path; nothing but strokes is sent.
const STEP = 2;
const LENGTH_MAX = 19000;

export function signatureOf(canvas, field) {
  const context = canvas.getContext("2d");
  context.lineWidth = 3;
  context.lineCap = "round";
  let last = null;

  const pointOf = (event) => {
    const area = canvas.getBoundingClientRect();
    return [((event.clientX - area.left) * canvas.width) / area.width, ((event.clientY - area.top) * canvas.height) / area.height].map(Math.round);
  };
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    last = pointOf(event);
    field.value += `${field.value ? " " : ""}M ${last.join(" ")}`;
    event.preventDefault();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!last || field.value.length > LENGTH_MAX) return;
    const point = pointOf(event);
    if (Math.hypot(point[0] - last[0], point[1] - last[1]) < STEP) return;
    context.beginPath();
    context.moveTo(...last);
    context.lineTo(...point);
    context.stroke();
    field.value += ` L ${point.join(" ")}`;
    last = point;
  });
  for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => (last = null));
  return () => {
    context.clearRect(0, 0, canvas.width, canvas.height);
    field.value = "";
  };
}
