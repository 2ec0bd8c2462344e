/** The SQL the tiers read, as the editor colours and completes it: DataFusion's, without what writes. */
import { SQLDialect } from "@codemirror/lang-sql";

const KEYWORDS =
  "all and any as asc between by case cast cross current desc describe distinct else end escape except exclude exists explain analyze false fetch filter first following for from full group grouping having ignore ilike in inner intersect interval into is join last lateral left like limit natural not null nulls offset on or order outer over partition preceding qualify range recursive replace respect right rollup cube row rows select sets show similar some table tables columns then to true unbounded union unnest using values when where window with within";
const TYPES = "bigint boolean char date decimal double float int integer numeric real smallint string text time timestamp tinyint varchar";
const FUNCTIONS =
  "abs approx_distinct approx_median approx_percentile_cont array_agg arrow_cast arrow_typeof avg ceil coalesce concat corr count covar_samp cume_dist date_bin date_part date_trunc dense_rank exp extract first_value floor from_unixtime greatest lag last_value lead least length ln log log10 lower max median min now nth_value ntile nullif percent_rank power rank regexp_like regexp_replace round row_number signum split_part sqrt stddev stddev_pop string_agg strpos substr sum to_char to_timestamp to_timestamp_millis trim trunc upper var_pop var_samp";

export const tiersDialect = SQLDialect.define({
  keywords: KEYWORDS,
  types: TYPES,
  builtin: FUNCTIONS,
  operatorChars: "*+-%<>!=&|^/~",
  identifierQuotes: '"',
  doubleQuotedStrings: false,
  slashComments: false,
  caseInsensitiveIdentifiers: true,
});
