-- Ends one session. Answers 1, or 0 when there was nothing to end.
-- ARGV  6 session id

local f = family(ARGV[6])
if not f or f.ended then
  return 0
end
bury(ARGV[6], 'ended')
return 1
