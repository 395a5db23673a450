-- A new session at login. Answers 0 when it is refused, else the ids of the sessions that had to go for it.
-- ARGV  6 session id   7 hash   8 epoch of the user   9 created at ms   10 absolute end ms   11 most sessions
--       12 address   13 14 15 16 agent in pieces

local sid, most = ARGV[6], tonumber(ARGV[11])
local remembered = tonumber(redis.call('GET', KEYS[3]) or '0')
if remembered > tonumber(ARGV[8]) then
  return 0
end
local known = redis.call('HMGET', prefix .. sid, 'u', 'd')
if known[1] and (known[2] or known[1] ~= user) then
  return 0
end

local live = {}
for _, other in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  local f = family(other)
  if not f or f.ended then
    redis.call('ZREM', KEYS[1], other)
  elseif other ~= sid and f.deadline > now then
    live[#live + 1] = other
  end
end
local gone = {}
for i = 1, #live - most + 1 do
  bury(live[i], 'evicted')
  gone[i] = live[i]
end

-- A repeated call (the answer was lost) finds the session and leaves it as it is.
if not known[1] then
  redis.call('HSET', prefix .. sid, 'u', user, 'g', '0', 'c', ARGV[7], 'p', '', 'r', text(now), 'x', ARGV[10],
    'e', ARGV[8], 'n', ARGV[9], 'i', ARGV[12])
  for i = 1, 4 do
    if ARGV[12 + i] ~= '' then
      redis.call('HSET', prefix .. sid, 'a' .. i, ARGV[12 + i])
    end
  end
  touch(sid, now, tonumber(ARGV[10]))
end
return gone
