// Asks a backend for the descriptors of its services by server reflection. It is untrusted: time, bytes, files and rounds are bounded.
import { MAX_DESCRIPTOR_BYTES } from '#lib/protobuf/descriptor-set.ts';
import { err, ok, type Result } from '#lib/result.ts';
import { answersCall, formatTimeout } from '../../exchange/grpc.ts';
import { GRPC_STATUS } from '../../exchange/grpc-status.ts';
import { getHeader } from '../../exchange/headers.ts';
import { contentOf, isCompressed } from '../../exchange/message-frame.ts';
import { MessageReader } from '../../exchange/message-reader.ts';
import type { Ask, SubrequestAnswer } from '../../exchange/subrequest.ts';
import { decodeAnswer, encodeQuestion, REFLECTION_PATHS } from './reflection-messages.ts';
import type { DescriptorFile, ReflectionAnswer, ReflectionQuestion } from './reflection-messages.ts';

/** Less than an exchange waits for its filters, milliseconds. */
const TIMEOUT_MS = 3_000;
const MAX_SERVICES = 1_000;
const MAX_FILES = 2_000;
/** Servers that send no imports with a file are asked for them, and for those of these. */
const MAX_ROUNDS = 16;

/** The files of all services of a cluster (key), with their imports; the error completes "the backend ...". */
export async function reflect(ask: Ask, cluster: string): Promise<Result<readonly Buffer[]>> {
  const call = new ReflectionCall(ask, cluster);
  const listed = await call.services();
  if (!listed.ok) return listed;
  const files = new Map<string, DescriptorFile>();
  let questions: readonly ReflectionQuestion[] = listed.value.map((name) => ({ about: 'fileOfSymbol', name }));
  for (let round = 0; questions.length > 0; round++) {
    if (round === MAX_ROUNDS) return err('has files that import each other too deeply');
    const told = await call.ask(questions);
    if (!told.ok) return told;
    for (const file of told.value.flatMap((answer) => answer.files)) files.set(file.name, file);
    const lack = questions.find(({ about, name }) => about === 'fileByName' && !files.has(name));
    if (lack !== undefined) return err(`does not tell its file ${JSON.stringify(lack.name)}`);
    if (files.size > MAX_FILES) return err(`has more than ${MAX_FILES} files`);
    questions = missing(files);
  }
  return ok([...files.values()].map(({ bytes }) => bytes));
}

function missing(files: ReadonlyMap<string, DescriptorFile>): readonly ReflectionQuestion[] {
  const imports = new Set([...files.values()].flatMap((file) => file.imports));
  return [...imports].filter((name) => !files.has(name)).map((name) => ({ about: 'fileByName', name }));
}

/** The calls to one backend, all within one time and one number of bytes. */
class ReflectionCall {
  readonly #ask: Ask;
  readonly #cluster: string;
  readonly #deadline = performance.now() + TIMEOUT_MS;
  #bytesLeft = MAX_DESCRIPTOR_BYTES;
  #path = '';

  constructor(ask: Ask, cluster: string) {
    this.#ask = ask;
    this.#cluster = cluster;
  }

  /** Their names, by the first version of the protocol that the backend has. */
  async services(): Promise<Result<readonly string[]>> {
    let answer: Result<readonly ReflectionAnswer[]> = err('');
    for (const path of REFLECTION_PATHS) {
      this.#path = path;
      answer = await this.ask([{ about: 'services', name: '' }]);
      if (answer.ok || answer.error !== NO_REFLECTION) break;
    }
    if (!answer.ok) return answer;
    const services = answer.value.flatMap((each) => each.services);
    if (services.length === 0) return err('lists no service');
    return services.length > MAX_SERVICES ? err(`has more than ${MAX_SERVICES} services`) : ok(services);
  }

  /** Asks questions in one call. The answers are in their order. */
  async ask(questions: readonly ReflectionQuestion[]): Promise<Result<readonly ReflectionAnswer[]>> {
    const timeout = Math.floor(this.#deadline - performance.now());
    if (timeout <= 0) return err(`takes longer than ${TIMEOUT_MS} ms`);
    const [, namespace = '', name = ''] = this.#cluster.split('/');
    const answer = await this.#ask(this.#cluster, {
      method: 'POST',
      path: this.#path,
      // There is no host name: the cluster has addresses.
      authority: `${name}.${namespace}`,
      headers: ['content-type', 'application/grpc', 'te', 'trailers', 'grpc-timeout', formatTimeout(timeout)],
      body: Buffer.concat(questions.map(encodeQuestion)),
      timeout,
      maxAnswerBytes: this.#bytesLeft,
      protocol: 'http2',
    });
    if (!('body' in answer)) return err(`does not answer: ${answer.code}${answer.detail === '' ? '' : ` (${answer.detail})`}`);
    this.#bytesLeft -= answer.body.length;
    const refusal = refusalOf(answer);
    return refusal === '' ? answersIn(answer.body, questions.length) : err(refusal);
  }
}

const NO_REFLECTION = 'does not serve reflection';

/** '' if the call succeeded. */
function refusalOf({ status, headers, trailers }: SubrequestAnswer): string {
  if (status !== 200 || !answersCall(headers)) return `does not speak gRPC: it answers with ${status}`;
  const code = (trailers === null ? null : getHeader(trailers, 'grpc-status')) ?? getHeader(headers, 'grpc-status');
  if (code === '0') return '';
  if (code === String(GRPC_STATUS.unimplemented)) return NO_REFLECTION;
  return `refuses reflection with status ${code === null || !/^[0-9]{1,2}$/.test(code) ? 'unknown' : code}`;
}

function answersIn(body: Buffer, expected: number): Result<readonly ReflectionAnswer[]> {
  const reader = new MessageReader(body.length);
  const answers: ReflectionAnswer[] = [];
  reader.feed(body);
  for (let frame = reader.next(); frame !== null; frame = reader.next()) {
    const answer = typeof frame === 'string' || isCompressed(frame) ? null : decodeAnswer(contentOf(frame));
    if (answer === null) return err('sends an answer that cannot be read');
    answers.push(answer);
  }
  return answers.length === expected && reader.isClean ? ok(answers) : err(`sends ${answers.length} answers to ${expected} questions`);
}
