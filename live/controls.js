// Named controls. Each has an `element`, a `value`, and calls its listeners once it is let go.

let count = 0;

export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name in made && name !== "list") made[name] = value;
    else made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

class Control {
  listeners = [];
  constructor(name, title, field) {
    Object.assign(this, { name, field });
    field.id = `control-${++count}`;
    field.title = title;
    this.element = element("div", { className: "control" }, element("label", { htmlFor: field.id, textContent: name }), field);
  }
  listen = (call) => this.listeners.push(call);
  changed = () => this.listeners.forEach((call) => call());
  show = (shown) => (this.element.hidden = !shown);
  enable = (on) => this.element.querySelectorAll("input, select").forEach((field) => (field.disabled = !on));
}

/** A number: a field to type it in, and a slider with the same name. `live`: it also calls while dragged. */
export class Slider extends Control {
  constructor(name, title, low, high, step, live = false) {
    super(name, title, element("input", { type: "number", step, min: low, max: high }));
    this.slider = element("input", { type: "range", step, min: low, max: high, ariaLabel: name, title });
    this.element.append(this.slider);
    this.slider.addEventListener("input", () => {
      this.field.value = this.slider.value;
      if (live) this.changed();
    });
    if (!live) this.slider.addEventListener("change", this.changed);
    this.field.addEventListener("change", () => {
      if (this.field.value !== "") this.slider.value = this.field.value; // it keeps to its ends and steps
      this.field.value = this.slider.value;
      this.changed();
    });
  }
  get value() {
    return Number(this.slider.value);
  }
  set value(number) {
    this.slider.value = number;
    this.field.value = this.slider.value;
  }
  range(low, high) {
    for (const part of [this.field, this.slider]) [part.min, part.max] = [low, high];
  }
}

export class Choice extends Control {
  constructor(name, title, options) {
    super(name, title, element("select"));
    this.offer(options);
    this.field.addEventListener("change", this.changed);
  }
  offer(options) {
    this.options = options;
    const { value } = this.field;
    this.field.replaceChildren(...options.map((text) => element("option", { value: text, textContent: text })));
    if (options.includes(value)) this.field.value = value;
  }
  get value() {
    return this.field.value;
  }
  set value(text) {
    if (this.options.includes(text)) this.field.value = text;
  }
}

export class Checkbox extends Control {
  constructor(name, title) {
    super(name, title, element("input", { type: "checkbox" }));
    this.field.addEventListener("change", this.changed);
  }
  get value() {
    return this.field.checked;
  }
  set value(on) {
    this.field.checked = on;
  }
}

export class Text extends Control {
  constructor(name, title) {
    super(name, title, element("input", { type: "text", spellcheck: false }));
    this.field.addEventListener("change", this.changed);
  }
  get value() {
    return this.field.value;
  }
  set value(text) {
    this.field.value = text;
  }
}

export function button(name, title, press) {
  const made = element("button", { type: "button", textContent: name, title });
  made.addEventListener("click", press);
  return made;
}

/** Controls below each other, under a name that folds them. */
export const group = (name, ...parts) => element("details", { open: true, className: "group" }, element("summary", { textContent: name }), ...parts);
