# syntax=example.com/mopy:1
FROM a
