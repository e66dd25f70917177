from busybox as Base
from busybox
run echo x
copy --from=base /a /b
cmd ["sh"]
