/* What an axis is written with ---------------------------------------------------------------------- */

const alike = (one, other) => JSON.stringify(one) === JSON.stringify(other);
const draws = () => Math.floor(Math.random() * 2 ** 31);

/* In which kinds an axis over an input of each way can be written. */
const AXIS_KINDS = { numbers: ["values"], words: ["values"], seeds: ["seeds", "values"], texts: ["texts", "replace"], choices: ["choices"], files: ["choices"], stacks: ["choices"], presets: ["presets"], table: ["table"] };

const newAxis = (variable) => {
  const [kind] = AXIS_KINDS[variable.way];
  const isList = Array.isArray(variable.start);
  return { kind, key: variable.key, text: isList ? "" : variable.start || "", chosen: isList ? variable.start : [], find: "", number: kind === "seeds" ? 4 : 0, start: draws() };
};
const axisForPython = ({ kind, key, text, chosen, find, number, start }) => ({ kind, key, text, chosen, find, number, start });
/* The labels of an axis as they are shown; those that say which cells are left out may be others. */
const saidOf = (axis) => axis.said || axis.labels;

const isEmptyAxis = (axis) => {
  if (axis.kind === "seeds") return !axis.number;
  if (["choices", "presets"].includes(axis.kind)) return !axis.chosen.length;
  if (axis.kind === "replace") return !axis.find?.trim() || !axis.text.trim();
  return !axis.text?.trim();
};
