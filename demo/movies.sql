-- Fills the table `movies` from movies.json; for the sqlite3 shell, run from the project's root.
INSERT INTO movies (id, title, year, duration, rating, release_date, best_picture_winner)
SELECT
  json_extract(value, '$.id'),
  json_extract(value, '$.title'),
  json_extract(value, '$.year'),
  json_extract(value, '$.duration'),
  json_extract(value, '$.rating'),
  json_extract(value, '$.releaseDate'),
  json_extract(value, '$.bestPictureWinner')
FROM json_each(readfile('demo/movies.json'));
