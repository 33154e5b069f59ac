// The scripts that count in Redis: one for each algorithm, with one key and the clock of the server, so that all proxies agree.
//
// Arguments: limit, cost, 1 to take the cost in any case (a negative one is given back), then those of the algorithm. The answer: allowed, left, reset and wait in
// milliseconds, as Decision.
import { calendarWindows, secondsOf } from '#lib/limit/calendar.ts';
import type { Algorithm } from '#lib/limit/algorithm.ts';
import { redisScript, type RedisScript } from '#lib/redis-script.ts';

function script(text: string): RedisScript {
  return redisScript(`${HEAD}${text}`);
}

const HEAD = `
local key, limit, cost, forced = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3] == '1'
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + tonumber(time[2]) / 1000
`;

/** Arguments: milliseconds per token. The limit is the burst. */
const TOKEN_BUCKET = script(`
local per = tonumber(ARGV[4])
local kept = redis.call('HMGET', key, 'tokens', 'at')
local tokens = limit
if kept[1] then tokens = math.min(limit, tonumber(kept[1]) + math.max(0, now - tonumber(kept[2])) / per) end
local allowed = tokens + 0.000001 >= cost
if allowed or forced then tokens = math.min(limit, tokens - cost) end
local reset = math.max(0, (limit - tokens) * per)
redis.call('HSET', key, 'tokens', string.format('%.6f', tokens), 'at', string.format('%.3f', now))
redis.call('PEXPIRE', key, math.ceil(reset) + 1000)
local wait = 0
if not allowed then wait = math.ceil((cost - tokens) * per) end
return { allowed and 1 or 0, math.max(0, math.floor(tokens + 0.000001)), math.ceil(reset), wait }
`);

/** Arguments: period and slot in milliseconds. The key is a list: the sum, then the end and the units of each slot, oldest first. */
const SLIDING_WINDOW = script(`
local period, slot = tonumber(ARGV[4]), tonumber(ARGV[5])
local taken = tonumber(redis.call('LPOP', key) or '0')
while true do
  local first = redis.call('LRANGE', key, 0, 1)
  if not first[1] or tonumber(first[1]) > now then break end
  taken = taken - tonumber(first[2])
  redis.call('LPOP', key, 2)
end
local allowed = taken + cost <= limit
local back = -cost
while back > 0 do
  local newest = redis.call('LINDEX', key, -1)
  if not newest then break end
  local given = math.min(back, tonumber(newest))
  if given < tonumber(newest) then redis.call('LSET', key, -1, tonumber(newest) - given) else redis.call('RPOP', key, 2) end
  taken = taken - given
  back = back - given
end
local last = redis.call('LINDEX', key, -2)
if (allowed or forced) and cost > 0 then
  taken = taken + cost
  local from = now
  if slot > 0 then from = (math.floor(now / slot) + 1) * slot end
  local stop = string.format('%.3f', from + period)
  if last == stop then redis.call('LSET', key, -1, tonumber(redis.call('LINDEX', key, -1)) + cost)
  else redis.call('RPUSH', key, stop, cost) end
  last = stop
end
local wait = 0
if not allowed then
  local slots, rest = redis.call('LRANGE', key, 0, -1), taken
  for i = 1, #slots, 2 do
    wait = math.ceil(tonumber(slots[i]) - now)
    rest = rest - tonumber(slots[i + 1])
    if rest + cost <= limit then break end
  end
end
if last then
  redis.call('LPUSH', key, taken)
  redis.call('PEXPIRE', key, math.ceil(period + slot))
end
local reset = 0
if last then reset = math.ceil(tonumber(last) - now) end
return { allowed and 1 or 0, math.max(0, limit - taken), reset, wait }
`);

/** Arguments: moments at which windows begin, in order, around this one; or period and offset in milliseconds. */
const FIXED_WINDOW = script(`
local stop = 0
if #ARGV == 5 then
  local period, offset = tonumber(ARGV[4]), tonumber(ARGV[5])
  stop = (math.floor((now - offset) / period) + 1) * period + offset
else
  for i = 4, #ARGV do
    stop = tonumber(ARGV[i])
    if stop > now then break end
  end
end
local kept = redis.call('HMGET', key, 'stop', 'taken')
local taken = 0
if kept[1] and tonumber(kept[1]) == stop then taken = tonumber(kept[2]) end
local allowed = taken + cost <= limit
if allowed or forced then taken = math.max(0, taken + cost) end
redis.call('HSET', key, 'stop', string.format('%.0f', stop), 'taken', taken)
redis.call('PEXPIRE', key, math.max(1, math.ceil(stop - now)))
local rest = math.max(0, math.ceil(stop - now))
return { allowed and 1 or 0, math.max(0, limit - taken), taken == 0 and 0 or rest, allowed and 0 or rest }
`);

/** How an algorithm counts in Redis: its script, the limit, and the further arguments. Null: it does not. */
export interface Counting {
  readonly script: RedisScript;
  readonly limit: number;
  readonly rest: (wall: number) => readonly number[];
}

/** A sliding window has so many slots if its limit is larger than `EXACT`. */
const SLOTS = 125;
const EXACT = 128;
/** 1970-01-05, a Monday. */
const FIRST_MONDAY_MS = 4 * 86_400_000;

export function countingOf(algorithm: Algorithm): Counting | null {
  const { limit } = algorithm;
  switch (algorithm.kind) {
    case 'TokenBucket': {
      const rest = [algorithm.periodMs / limit];
      return { script: TOKEN_BUCKET, limit: algorithm.burst, rest: () => rest };
    }
    case 'SlidingWindow': {
      const rest = [algorithm.periodMs, limit <= EXACT ? 0 : algorithm.periodMs / SLOTS];
      return { script: SLIDING_WINDOW, limit, rest: () => rest };
    }
    case 'FixedWindow':
      return { script: FIXED_WINDOW, limit, rest: () => [algorithm.periodMs, 0] };
    case 'Quota': {
      if (algorithm.unit === 'Month') return { script: FIXED_WINDOW, limit, rest: months };
      const rest = [secondsOf(algorithm.unit) * 1_000, algorithm.unit === 'Week' ? FIRST_MONDAY_MS : 0];
      return { script: FIXED_WINDOW, limit, rest: () => rest };
    }
    case 'Concurrency':
      return null;
  }
}

/** The beginnings of this month and the next three: the clock of the server may differ. */
function months(wall: number): readonly number[] {
  const windowOf = calendarWindows('Month');
  const starts = [windowOf(wall).start];
  for (let i = 0; i < 3; i++) starts.push(windowOf(starts.at(-1) ?? wall).end);
  return starts;
}
