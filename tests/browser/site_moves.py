"""Random moves in the reconstruction lab of the site, and what has to be true when it has come to rest."""

CONTROL = """([which, where]) => {  // of the controls that are shown, all but the number of steps
  const free = ([name, c]) => name !== "steps" && !c.element.hidden && !c.field.disabled;
  const shown = Object.entries(lab.controls).filter(free);
  const [name, control] = shown[Math.floor(which * shown.length)], { field, slider } = control;
  const say = (target, ...events) => events.forEach((event) => target.dispatchEvent(new Event(event)));
  if (slider) {
    slider.value = Number(slider.min) + where * (slider.max - slider.min);
    say(slider, "input", "change");
  } else if (field.type === "checkbox") field.click();
  else {
    const options = control.options.filter((option) => option !== "your file");
    field.value = options[Math.floor(where * options.length)];
    say(field, "change");
  }
  return name;
}"""
SCRUB = """([part, where]) => {
  const slider = lab[part].slider;
  slider.value = Number(slider.min) + where * (slider.max - slider.min);
  slider.dispatchEvent(new Event("input", { bubbles: true }));
}"""
REST = """() => lab.run?.id === lab.id && lab.frame === null && !lab.playing
  && (lab.run.iterates.at(-1)?.done || document.querySelector("#notice.warning"))"""
STALE = """() => {
  const { run, scrubber } = lab, wrong = [], say = (what) => wrong.push(what);
  const same = (a, b) => JSON.stringify(Object.entries(a).sort()) === JSON.stringify(Object.entries(b).sort());
  if (!same({ ...run.settings, weight: 0 }, { ...lab.settings, weight: 0 })) say(`run ${JSON.stringify(run.settings)}`);
  const k = scrubber.value, it = run.iterates[k], { length } = run.truth;
  if (!it) return [...wrong, `no iterate ${k}`];
  const error = it.x.reduce((sum, u, i) => sum + (Math.min(1, Math.max(0, u)) - run.truth[i]) ** 2, 0);
  const psnr = (-10 * Math.log10(error / length)).toFixed(2), status = document.querySelector("#status").textContent;
  const right = status.startsWith(`Iterate ${k} of `) && status.endsWith(`PSNR ${psnr} dB`);
  if (!right) say(`${status}, not ${k}, ${psnr}`);
  const words = document.querySelectorAll("#pictures canvas")[2].ariaLabel;
  if (!words.startsWith(`iterate ${k}: `) || !words.includes(`PSNR ${psnr} dB`)) say(words);
  return wrong;
}"""


def move(page, random):
    """One move of a reader."""
    kind = random.choice(["control"] * 8 + ["scrub", "detail", "new noise", "reset", "play"])
    if kind == "control":
        return page.evaluate(CONTROL, [random.random(), random.random()])
    if kind in ("scrub", "detail"):
        page.evaluate(SCRUB, ["scrubber" if kind == "scrub" else random.choice(["row", "column"]), random.random()])
    else:
        page.locator("button", has_text=kind if kind != "play" else random.choice(["play", "pause"])).evaluate_all(
            "buttons => buttons[0]?.click()"
        )
    return kind


def stale(page):
    """What is shown at rest and does not belong to the controls: nothing."""
    page.wait_for_function(REST)
    return page.evaluate(STALE)
