-- Roles and databases of the one server: run by the image's first start, and again by hand after a change of
-- passwords; each statement may run twice. Passwords come from the secret files, which psql's backticks read.
-- The folder of the secrets: /run/secrets, or SECRETS in a test.
\set ON_ERROR_STOP on
\set password_huxin `cat "${SECRETS:-/run/secrets}/password_huxin"`
\set password_api `cat "${SECRETS:-/run/secrets}/password_api"`
\set password_airflow `cat "${SECRETS:-/run/secrets}/password_airflow"`
-- A password stands in no log, whatever the server is told to log.
SET log_statement = 'none';
SET log_min_error_statement = 'panic';
SET log_min_duration_statement = -1;
SET password_encryption = 'scram-sha-256';
SET client_min_messages = warning;

-- An empty password would lock a role out, and nobody would know until it tries to log in.
SELECT least(length(:'password_huxin'), length(:'password_api'), length(:'password_airflow')) >= 32 AS whole \gset
\if :whole
\else
DO $$ BEGIN RAISE EXCEPTION 'a password file is missing or short: run docker/secrets.sh'; END $$;
\endif

-- Groups, which nobody logs in as: the migrations grant to them.
SELECT format('CREATE ROLE %I NOLOGIN', name)
FROM unnest(ARRAY['huxin_owner', 'huxin_loader', 'huxin_app', 'huxin_console']) AS name
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) \gexec

-- A COPY into a table with policies is refused to whoever they bind. Only a superuser may grant this.
ALTER ROLE huxin_loader BYPASSRLS;

-- huxin owns the registry: migrations, the night, the operator's commands. huxin_api answers members as huxin_app and
-- takes their files in as huxin_loader; it owns nothing. airflow owns its own database and enters no other.
SELECT format('CREATE ROLE %I LOGIN', name)
FROM unnest(ARRAY['huxin', 'huxin_api', 'airflow']) AS name
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) \gexec
ALTER ROLE huxin PASSWORD :'password_huxin';
ALTER ROLE huxin_api PASSWORD :'password_api';
ALTER ROLE airflow PASSWORD :'password_airflow';
GRANT huxin_owner, huxin_loader, huxin_app, huxin_console TO huxin;
GRANT huxin_app, huxin_loader TO huxin_api;

SELECT format('CREATE DATABASE %I OWNER %I TEMPLATE template0 ENCODING ''UTF8'' LOCALE ''C.UTF-8''', name, name)
FROM unnest(ARRAY['huxin', 'airflow']) AS name
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = name) \gexec
REVOKE ALL ON DATABASE huxin, airflow FROM PUBLIC;
GRANT CONNECT, TEMPORARY ON DATABASE huxin TO huxin_api;
