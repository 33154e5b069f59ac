// The conversation with a processor about one exchange: one gRPC call, with a lane of questions and answers for each half.
import type { Call, CallEnd, CallListener, OpenCall } from '../../exchange/call.ts';
import { answersCall } from '../../exchange/grpc.ts';
import { getHeader, type Headers } from '../../exchange/headers.ts';
import type { ExchangeTrace } from '../../exchange/tracing.ts';
import { Lane, type Ending, type LaneTimes, type Reply, type TakeReply } from './lane.ts';
import { encodeMessage, PROCESS_PATH, ResponseReader, type PartName, type ProcessingRequest, type ProcessingResponse } from './messages.ts';

export interface ConversationOptions extends LaneTimes {
  readonly cluster: string;
  readonly maxMessageBytes: number;
  /** Answers are not wanted. */
  readonly observes: boolean;
}

const OVER: Ending = Object.freeze({ type: 'over' });
/** The time of a processor to end its side after the exchange, milliseconds. */
const LINGER_MS = 5_000;

export class Conversation implements CallListener {
  readonly #options: ConversationOptions;
  readonly #reader: ResponseReader;
  readonly #request: Lane;
  readonly #response: Lane;
  readonly #call: Call;
  /** How the conversation has ended; null: it goes on. */
  #ending: Ending | null = null;
  #linger: NodeJS.Timeout | undefined;
  /** The stages that have no room for more. */
  readonly #holders = new Set<object>();
  /** The processor reads again. */
  onDrained: () => void = () => undefined;

  /** `trace`: of the exchange. */
  constructor(open: OpenCall, options: ConversationOptions, trace: ExchangeTrace | null) {
    this.#options = options;
    this.#reader = new ResponseReader(options.maxMessageBytes);
    const fail = (reason: string): void => this.fail(reason);
    this.#request = new Lane(options, fail);
    this.#response = new Lane(options, fail);
    const [, namespace = '', name = ''] = options.cluster.split('/');
    const headers = ['content-type', 'application/grpc', 'te', 'trailers'];
    this.#call = open(options.cluster, { path: PROCESS_PATH, authority: `${name}.${namespace}`, headers, trace }, this);
  }

  /** Null while the conversation goes on. */
  get ending(): Ending | null {
    return this.#ending;
  }

  /** Sends a message, and resolves to what comes of it. */
  ask(part: PartName, message: ProcessingRequest): Promise<Reply> {
    return new Promise((resolve) => {
      this.tell(message);
      this.expect(part, (reply) => {
        resolve(reply);
        return false;
      });
    });
  }

  /** Sends a message. False: the processor is behind. */
  tell(message: ProcessingRequest): boolean {
    if (this.#ending !== null) return true;
    return this.#call.write(encodeMessage(this.#options.observes ? { ...message, observability_mode: true } : message));
  }

  /** Expects an answer after those of the same half that are expected already; `isOpen`: until the answer to the next question. */
  expect(part: PartName, take: TakeReply, isOpen = false): void {
    if (this.#ending !== null) return void take(this.#ending);
    this.#lane(part).expect(part, take, isOpen);
    if (this.#holders.size > 0) this.#pace();
  }

  /** The time of a half does not run while the processor may wait for more of it. */
  pauseTime(part: PartName, reason: object, isPaused: boolean): void {
    if (this.#ending === null) this.#lane(part).pause(reason, isPaused);
  }

  /** Whether a stage has no room, so that the processor may not send more for now. */
  hold(holder: object, isHeld: boolean): void {
    if (this.#holders.has(holder) === isHeld || this.#ending !== null) return;
    if (isHeld) this.#holders.add(holder);
    else this.#holders.delete(holder);
    this.#pace();
  }

  /** Whether this stage has no room. */
  isHeldBy(holder: object): boolean {
    return this.#holders.has(holder);
  }

  /** A backend that answers may take no more of the request: the head of its answer must not wait for that. */
  get #reads(): boolean {
    return this.#holders.size === 0 || this.#response.next === 'response_headers';
  }

  #pace(): void {
    this.#request.pause(this.#holders, this.#holders.size > 0);
    this.#response.pause(this.#holders, !this.#reads);
    if (this.#reads) this.#call.resume();
  }

  /** The exchange is over: lets the processor end its side. */
  finish(): void {
    if (this.#ending !== null) return;
    this.#close(OVER);
    this.#linger = setTimeout(() => this.#call.cancel(), LINGER_MS).unref();
    this.#call.end();
  }

  /** The processor breaks a rule, or is late: nothing of it counts any more. */
  fail(reason: string): void {
    if (this.#ending !== null) return;
    this.#call.cancel();
    this.#close({ type: 'failed', reason });
  }

  #lane(part: PartName): Lane {
    return part.startsWith('request') ? this.#request : this.#response;
  }

  #close(ending: Ending): void {
    this.#ending = ending;
    this.#request.end(ending);
    this.#response.end(ending);
    this.onDrained();
  }

  // The answer of the call

  head(status: number, headers: Headers): void {
    if (status !== 200 || !answersCall(headers)) this.fail(`the processor does not speak gRPC: it answers with ${status}`);
  }

  data(chunk: Buffer): boolean {
    if (this.#ending !== null || this.#options.observes) return true;
    const messages = this.#reader.read(chunk);
    if (typeof messages === 'string') this.fail(messages);
    else for (const message of messages) this.#take(message);
    if (this.#holders.size > 0) this.#pace();
    return this.#reads;
  }

  drained(): void {
    this.onDrained();
  }

  over(end: CallEnd): void {
    if (this.#ending !== null) return clearTimeout(this.#linger);
    if (!('trailers' in end)) return this.#close({ type: 'failed', reason: `the call of the processor fails: ${end.code}` });
    const status = getHeader(end.trailers, 'grpc-status') ?? '';
    if (status === '0') return this.#close(OVER);
    this.#close({
      type: 'failed',
      reason: `the call of the processor fails with status ${/^[0-9]{1,2}$/.test(status) ? status : 'unknown'}`,
    });
  }

  #take(answer: ProcessingResponse): void {
    if (this.#ending !== null) return;
    const { response, override_message_timeout: time } = answer;
    const waiting = this.#request.isWaiting ? this.#request : this.#response;
    // Nothing else in such a message counts.
    if (time !== null) return waiting.isWaiting ? waiting.extend(time) : undefined;
    if (response === undefined || response === 'immediate_response') waiting.take(answer);
    else this.#lane(response).take(answer);
  }
}
