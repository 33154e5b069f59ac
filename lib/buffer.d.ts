// Methods of Node.js Buffers that @types/node lacks. They skip the dispatch on an encoding name, which is half of the cost of toString and
// write; the codecs call them for every request.
interface Buffer {
  latin1Slice(start?: number, end?: number): string;
  latin1Write(text: string, offset?: number, length?: number): number;
  utf8Write(text: string, offset?: number, length?: number): number;
}
