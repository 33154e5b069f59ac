// Ends the run of a module from within a host function.

/** The module asks to exit (WASI proc_exit). */
export class ProcessExit extends Error {
  readonly code: number;

  constructor(code: number) {
    super(`the module exited with code ${code}`);
    this.code = code;
  }
}
