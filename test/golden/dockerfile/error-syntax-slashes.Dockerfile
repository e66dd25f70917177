// syntax=acme/lang
FROM a
