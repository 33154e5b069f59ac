// What a soak scenario is: something that runs for long, and says what it found.

/** How long and how much; every scenario has bounded defaults. */
export interface SoakOptions {
  /** For scenarios that move bytes: how many, in each direction. */
  readonly bytes: number;
  /** For scenarios that go on for a time. */
  readonly seconds: number;
}

/** A figure of the outcome, with the bound it must keep; null: for information. */
export interface Finding {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly limit: number | null;
}

export interface SoakScenario {
  readonly name: string;
  readonly about: string;
  run(options: SoakOptions): Promise<readonly Finding[]>;
}
