// A soak scenario: a long run that returns findings.

/** Duration and volume; every scenario has bounded defaults. */
export interface SoakOptions {
  /** For scenarios with bodies: bytes in each direction. */
  readonly bytes: number;
  /** For scenarios with a fixed duration. */
  readonly seconds: number;
  /** For scenarios with a number of clients of their choice. */
  readonly connections: number;
}

/** A value of the outcome with the bound that it must keep; null for information only. */
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
