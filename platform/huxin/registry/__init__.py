"""All the SQL there is: tables, one module an aggregate, migrations, the embedded server."""
