-- Tells every worker.
-- ARGV  6 kind   7 session or user id   8 value

publish(ARGV[6], ARGV[7], ARGV[8])
return 1
