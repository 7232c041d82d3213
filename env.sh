export D=/tmp/chaosbin/drover-b DROVER_URL=http://127.0.0.1:18081 DROVER_ACCESS_KEY= DROVER_SECRET_KEY= HOME=/tmp/rb
