// The choice of requests whose lines stay in memory.
export const REMEMBERED = ['off', 'failed', 'all'] as const;
export type Remembered = (typeof REMEMBERED)[number];
