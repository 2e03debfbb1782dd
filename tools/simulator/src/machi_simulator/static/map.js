"use strict";
// The city's map: press a point or move the pin by arrow keys, zoom, and the place stands in the form below.

const SIDE = 280;
const MARGIN = 8;
const NEAREST = 32;
const WAYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

class CityMap {
  constructor(frame) {
    this.frame = frame;
    this.svg = frame.querySelector("svg");
    this.pin = frame.querySelector(".pin");
    this.said = frame.querySelector("[aria-live]");
    this.form = frame.parentElement.querySelector("[data-place]");
    this.zoom = 1;
    this.point = null;
    this.svg.addEventListener("click", (event) => this.put(this.under(event)));
    this.svg.addEventListener("keydown", (event) => this.key(event));
    for (const button of frame.querySelectorAll("[data-zoom]")) button.addEventListener("click", () => this.zoomBy(Number(button.dataset.zoom)));
    this.form.addEventListener("input", () => this.typed());
    this.form.addEventListener("finished", () => this.clear());
    frame.hidden = false;
    this.typed();
  }

  under(event) {
    const found = new DOMPoint(event.clientX, event.clientY).matrixTransform(this.svg.getScreenCTM().inverse());
    return [found.x, found.y];
  }

  key(event) {
    const way = WAYS[event.key];
    if (way) {
      const step = (event.shiftKey ? 24 : 4) / this.zoom;
      const [x, y] = this.point || [SIDE / 2, SIDE / 2];
      this.put(this.point ? [x + way[0] * step, y + way[1] * step] : [x, y]);
    } else if (event.key === "+" || event.key === ";") this.zoomBy(2);
    else if (event.key === "-") this.zoomBy(0.5);
    else if (event.key === "Enter") this.form.querySelector("button").focus();
    else return;
    event.preventDefault();
  }

  zoomBy(times) {
    this.zoom = Math.min(NEAREST, Math.max(1, this.zoom * times));
    this.draw();
  }

  put([x, y]) {
    const within = (each) => Math.min(SIDE, Math.max(0, each));
    this.point = [within(x), within(y)];
    const { west, north, squeeze, scale } = this.frame.dataset;
    const [latitude, longitude] = [Number(north) - (this.point[1] - MARGIN) / scale, Number(west) + (this.point[0] - MARGIN) / (squeeze * scale)];
    this.form.elements.latitude.value = latitude.toFixed(6);
    this.form.elements.longitude.value = longitude.toFixed(6);
    this.draw();
    this.said.textContent = `${this.ward() || this.frame.dataset.nowhere} ${latitude.toFixed(4)}, ${longitude.toFixed(4)}`;
  }

  typed() {
    const { latitude, longitude } = this.form.elements;
    if (!latitude.value || !longitude.value || Number.isNaN(Number(latitude.value) + Number(longitude.value))) return;
    const { west, north, squeeze, scale } = this.frame.dataset;
    this.point = [MARGIN + (longitude.value - west) * squeeze * scale, MARGIN + (north - latitude.value) * scale];
    this.draw();
  }

  clear() {
    this.point = null;
    this.zoom = 1;
    this.draw();
  }

  ward() {
    const place = this.svg.createSVGPoint();
    [place.x, place.y] = this.point;
    return [...this.svg.querySelectorAll(".ward")].find((each) => each.isPointInFill(place))?.dataset.ward;
  }

  draw() {
    const side = SIDE / this.zoom;
    const [left, top] = (this.point || [SIDE / 2, SIDE / 2]).map((each) => Math.min(Math.max(0, each - side / 2), SIDE - side));
    this.svg.setAttribute("viewBox", `${left} ${top} ${side} ${side}`);
    for (const name of this.svg.querySelectorAll("text")) name.style.fontSize = `${11 / this.zoom}px`;
    this.pin.toggleAttribute("hidden", !this.point);
    if (this.point) this.pin.setAttribute("transform", `translate(${this.point[0]} ${this.point[1]}) scale(${1 / this.zoom})`);
  }
}

const drawn = new WeakSet();

// Pages change under a reader: maps of phones that came later are found too.
function drawMaps() {
  for (const frame of document.querySelectorAll(".citymap")) {
    if (drawn.has(frame)) continue;
    drawn.add(frame);
    new CityMap(frame);
  }
}

drawMaps();
new MutationObserver(drawMaps).observe(document.getElementById("main"), { childList: true, subtree: true });
