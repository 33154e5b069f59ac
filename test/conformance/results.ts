// What a run of Go tests says about itself: the events that `go tool test2json` makes of its output.

interface TestEvent {
  readonly Action: string;
  readonly Test?: string;
  readonly Output?: string;
}

export type Outcome = 'passed' | 'failed' | 'skipped';

/** How one test ended. */
export interface TestResult {
  /** `TestConformance/HTTPRouteWeight`, subtests below. */
  readonly name: string;
  readonly outcome: Outcome;
  /** What it printed, without that of its subtests. */
  readonly output: string;
}

const OUTCOMES: Readonly<Record<string, Outcome>> = { pass: 'passed', fail: 'failed', skip: 'skipped' };

/** Collects events, one JSON object a line. A test that began and never ended counts as failed. */
export class TestResults {
  readonly #output = new Map<string, string[]>();
  readonly #outcomes = new Map<string, Outcome>();

  /** Returns the result of the test that the line ends, null for every other line. */
  add(line: string): TestResult | null {
    const { Action: action, Test: name, Output: output } = JSON.parse(line) as TestEvent;
    if (name === undefined) return null;
    const lines = this.#output.get(name) ?? [];
    this.#output.set(name, lines);
    if (output !== undefined) lines.push(output);
    const outcome = OUTCOMES[action];
    if (outcome === undefined) return null;
    this.#outcomes.set(name, outcome);
    return this.#resultOf(name);
  }

  /** Tests at a depth: 1 for the functions, 2 for what those run, and so on. */
  at(depth: number): TestResult[] {
    return [...this.#output.keys()].filter((name) => name.split('/').length === depth).map((name) => this.#resultOf(name));
  }

  /** Below one that failed, those that failed themselves and not only by what they run. */
  causes(of: string): TestResult[] {
    const failed = [...this.#output.keys()].filter((name) => name === of || name.startsWith(`${of}/`)).map((name) => this.#resultOf(name));
    const failures = failed.filter(({ outcome }) => outcome === 'failed');
    return failures.filter(({ name }) => !failures.some((other) => other.name.startsWith(`${name}/`)));
  }

  #resultOf(name: string): TestResult {
    return { name, outcome: this.#outcomes.get(name) ?? 'failed', output: (this.#output.get(name) ?? []).join('') };
  }
}
