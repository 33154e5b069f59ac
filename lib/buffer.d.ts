// Methods that every Node.js Buffer has and @types/node leaves out: without the dispatch on an encoding name they cost half
// of what toString and write do, which counts where every request is sliced out of a buffer.
interface Buffer {
  latin1Slice(start?: number, end?: number): string;
  latin1Write(text: string, offset?: number, length?: number): number;
}
