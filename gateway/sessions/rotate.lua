-- The decision table of family.py, rows 2 to 10. Answers {outcome, rotated at, end of the successor}, in ms.
-- ARGV  6 session id   7 generation   8 hash presented   9 hash of its successor   10 epoch of the user   11 grace ms

local sid, generation, hash, successor = ARGV[6], tonumber(ARGV[7]), ARGV[8], ARGV[9]
local epoch, grace = tonumber(ARGV[10]), tonumber(ARGV[11])

local function advance(f, outcome)
  redis.call('HSET', prefix .. sid, 'g', text(generation + 1), 'c', successor, 'p', hash, 'r', text(now))
  return {outcome, now, touch(sid, now, f.absolute)}
end

local f = family(sid)
if not f then
  return {'unknown', 0, 0}
elseif f.ended then
  return {'revoked', 0, 0}
elseif now >= f.deadline then
  bury(sid, 'expired')
  return {'expired', 0, 0}
elseif epoch > f.epoch then
  bury(sid, 'revoked')
  return {'revoked', 0, 0}
elseif generation > f.generation then
  return advance(f, 'rolled-forward')
elseif generation == f.generation and hash == f.current then
  return advance(f, 'rotated')
elseif generation == f.generation then
  return {'forged', 0, 0}
elseif generation == f.generation - 1 and hash == f.previous and now - f.rotated <= grace then
  return {'replayed', f.rotated, f.deadline}
end
bury(sid, 'reused')
return {'reused', 0, 0}
