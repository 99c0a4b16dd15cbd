// The player: canvases in place of pictures, and buttons below them.
const clip = JSON.parse(document.querySelector("#clip").textContent);
const player = document.querySelector(".player");
const canvases = [...compare.querySelectorAll("canvas")];
const [back, play, forward] = player.querySelectorAll("button");
const position = player.querySelector("input");
const told = player.querySelector("output");
const speed = player.querySelector("select");
const [MILLISECONDS, WHOLE, FIRST_PATCH] = [0, 1, 2];
const last = clip.frames.length - 1;
const starts = [0];
for (const frame of clip.frames) starts.push(starts[starts.length - 1] + frame[MILLISECONDS]);

let shown = -1; // the frame on the canvases
let wanted = 0; // the one that will be
let drawing = null; // a promise while they differ

async function picture(patch) {
  if (!patch) return null;
  const image = new Image();
  image.src = patch[2];
  await image.decode();
  return [image, patch[0], patch[1]];
}

async function draw() {
  while (shown !== wanted) {
    const goal = wanted;
    let from = goal;
    while (!clip.frames[from][WHOLE] && from !== shown + 1) from -= 1;
    // All at once, so that nobody sees the frames between.
    const steps = clip.frames.slice(from, goal + 1).flatMap((frame) =>
      canvases.map((canvas, layer) => picture(frame[FIRST_PATCH + layer])));
    const pictures = await Promise.all(steps);
    for (const [index, found] of pictures.entries()) {
      if (!found) continue;
      const [image, left, top] = found;
      const context = canvases[index % canvases.length].getContext("2d");
      context.clearRect(left, top, image.width, image.height);
      context.drawImage(image, left, top);
    }
    shown = goal;
  }
  drawing = null;
}

const seconds = (milliseconds) => (milliseconds / 1000).toFixed(2);

function show(frame) {
  wanted = frame;
  position.value = frame;
  back.disabled = frame === 0;
  forward.disabled = frame === last;
  told.textContent =
    `frame ${frame + 1} of ${last + 1}, ${seconds(starts[frame])} of ${seconds(starts[last + 1])} s`;
  if (drawing === null && shown !== wanted) drawing = draw();
  return drawing;
}

let timer = null; // while it plays
let due = 0; // when the next frame is, by performance.now()
let played = 0; // how often to the end

function pause() {
  clearTimeout(timer);
  timer = null;
  play.textContent = "Play";
}

function wait() {
  due = Math.max(due + clip.frames[wanted][MILLISECONDS] / speed.value, performance.now());
  clearTimeout(timer);
  timer = setTimeout(next, due - performance.now());
}

async function next() {
  if (wanted === last) {
    played += 1;
    if (played === clip.plays) {
      pause();
      return;
    }
  }
  await show(wanted === last ? 0 : wanted + 1);
  if (timer !== null) wait();
}

play.addEventListener("click", () => {
  if (timer !== null) {
    pause();
    return;
  }
  play.textContent = "Pause";
  played = 0;
  if (wanted === last) show(0);
  due = performance.now();
  wait();
});
for (const [button, step] of [[back, -1], [forward, 1]]) {
  button.addEventListener("click", () => {
    pause();
    show(wanted + step);
  });
}
position.addEventListener("input", () => {
  pause();
  show(Number(position.value));
});
show(0);
