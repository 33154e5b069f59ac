// The messages of an answer as they come: as lines of JSON, as events, or as the bytes of HttpBody.
import { ERRORS, withDetail } from '../../exchange/errors.ts';
import type { StageOutlet } from '../../exchange/body-stage.ts';
import type { Headers } from '../../exchange/headers.ts';
import { GRPC_STATUS } from '../../exchange/grpc-status.ts';
import { MessageStage, type CallMessage } from '../../exchange/message-stage.ts';
import type { JsonWriting } from '#lib/protobuf/json-writer.ts';
import { statusIn, statusJson, type CallStatus } from './call-status.ts';
import type { MessageJson } from './message-json.ts';

/** `lines`: newline-delimited JSON; `events`: server-sent events; `bytes`: the data of HttpBody. */
export type StreamForm = 'lines' | 'events' | 'bytes';

export interface JsonStreamOptions {
  readonly form: StreamForm;
  readonly messages: MessageJson;
  readonly writing: JsonWriting;
  /** `grpc-encoding` of the answer. */
  readonly coding: string | null;
  readonly maxBytes: number;
}

export class JsonStream extends MessageStage {
  readonly #form: StreamForm;
  readonly #messages: MessageJson;
  readonly #writing: JsonWriting;

  constructor({ form, messages, writing, coding, maxBytes }: JsonStreamOptions) {
    super({ direction: 'answer', coding, maxBytes });
    this.#form = form;
    this.#messages = messages;
    this.#writing = writing;
  }

  protected override message({ bytes }: CallMessage, out: StageOutlet): boolean {
    const content = this.#messages.contentOf(bytes);
    if (!content.ok) {
      out.fail(withDetail(ERRORS.answerUnreadable, content.error));
      return true;
    }
    const { body } = content.value;
    if (this.#form === 'bytes') return body.length === 0 || out.data(body);
    return out.data(this.#form === 'events' ? Buffer.from(`data: ${body.toString()}\n\n`) : Buffer.from(`${body.toString()}\n`));
  }

  protected override finish(trailers: Headers | null, out: StageOutlet): void {
    const status = statusIn(trailers);
    if (status.code === GRPC_STATUS.ok) return out.end(null);
    const error = this.#errorOf(status);
    if (error === null) return out.fail(withDetail(ERRORS.upstreamBodyTruncated, `the call ended with the status ${status.code}`));
    out.data(error);
    out.end(null);
  }

  /** The end of an answer on its way with the status in these trailers; null: the form has none. */
  ending(trailers: Headers): Buffer | null {
    return this.#errorOf(statusIn(trailers));
  }

  #errorOf(status: CallStatus): Buffer | null {
    if (this.#form === 'bytes') return null;
    const json = statusJson(status, this.#writing);
    return Buffer.from(this.#form === 'events' ? `event: error\ndata: ${json}\n\n` : `{"error":${json}}\n`);
  }
}
