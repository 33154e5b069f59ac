// The results of a run of Go tests, from the events of `go tool test2json`.

interface TestEvent {
  readonly Action: string;
  readonly Test?: string;
  readonly Output?: string;
}

export type Outcome = 'passed' | 'failed' | 'skipped';

/** The result of one test. */
export interface TestResult {
  /** `TestConformance/HTTPRouteWeight`, subtests below. */
  readonly name: string;
  readonly outcome: Outcome;
  /** Its output, without that of its subtests. */
  readonly output: string;
}

const OUTCOMES: Readonly<Record<string, Outcome>> = { pass: 'passed', fail: 'failed', skip: 'skipped' };

/** Collects events, one JSON object per line. A test without an end counts as failed. */
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

  /** Tests at a depth: 1 for test functions, 2 for their subtests, and so on. */
  at(depth: number): TestResult[] {
    return [...this.#output.keys()].filter((name) => name.split('/').length === depth).map((name) => this.#resultOf(name));
  }

  /** The innermost failed tests below a failed one. */
  causes(of: string): TestResult[] {
    const failed = [...this.#output.keys()].filter((name) => name === of || name.startsWith(`${of}/`)).map((name) => this.#resultOf(name));
    const failures = failed.filter(({ outcome }) => outcome === 'failed');
    return failures.filter(({ name }) => !failures.some((other) => other.name.startsWith(`${name}/`)));
  }

  #resultOf(name: string): TestResult {
    return { name, outcome: this.#outcomes.get(name) ?? 'failed', output: (this.#output.get(name) ?? []).join('') };
  }
}
