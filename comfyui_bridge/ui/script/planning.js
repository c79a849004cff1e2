/* The plan of an experiment ---------------------------------------------------------------------
   What varies over a form's values, and the sheet that comes of it, drawn before anything runs. */

const planning = (() => {
  return {
    draw: () => null,
    unfinished: () => null,
    discard: () => {},
  };
})();
