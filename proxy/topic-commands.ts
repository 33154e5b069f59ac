// Messages that operators publish in topics of hubs: the command, and its part in a worker.
import type { PublishTopicMessage } from '#api/wire/telemetry-messages.ts';
import { packLines } from '#lib/json-lines.ts';
import { err, ok } from '#lib/result.ts';
import type { Topics } from './exchange/topics.ts';
import { PART_BYTES, type Inspected, type Inspecting, type PublishTopicInspection } from './inspection/inspection.ts';
import type { CommandTable } from './reporting/commands.ts';
import type { Supervisor } from './supervisor/supervisor.ts';

/** One worker publishes for all: topics in memory are those of the proxy. */
export function topicCommands(supervisor: Pick<Supervisor, 'inspect'>): CommandTable {
  return {
    publishTopic: async ({ publishTopic }, { chunk, signal }) => {
      const inspected = await supervisor.inspect({ kind: 'publishTopic', ...fieldsOf(publishTopic) }, 0, { part: chunk, signal });
      return inspected.ok ? ok(undefined) : inspected;
    },
  };
}

function fieldsOf({ hub, topic, data, place, messages, ageMs }: PublishTopicMessage): PublishTopicMessage {
  return { hub, topic, data, place, messages, ageMs };
}

/** Publishes the message, and sends a line with its id. */
export async function publishTopic(
  { hub, topic, data, place, messages, ageMs }: PublishTopicInspection,
  { part }: Inspecting,
  topics: Topics,
): Promise<Inspected> {
  const published = await topics.hub({ name: hub, place, history: { messages, age: ageMs } }).publish(topic, data);
  if (!published.ok) return err(published.error);
  for (const lines of packLines([published.value], PART_BYTES)) await part(lines);
  return ok({ dropped: 0 });
}
