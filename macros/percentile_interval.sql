{#- 95 % interval of a percentile from the values themselves (order statistics): the value at a place among `places` sorted ones,
    so many standard deviations of a binomial below (side '-') or above ('+') the percentile; null where there are too few. -#}
{% macro percentile_interval(value, place, places, share, side) -%}
    min(case
        when
            {%- if side == '-' %}
            {{ place }} = floor({{ places }} * {{ share }} - {{ percentile_spread(places, share) }})
            and ceil({{ places }} * {{ share }} + {{ percentile_spread(places, share) }}) + 1 <= {{ places }}
            {%- else %}
            {{ place }} = ceil({{ places }} * {{ share }} + {{ percentile_spread(places, share) }}) + 1
            and floor({{ places }} * {{ share }} - {{ percentile_spread(places, share) }}) >= 1
            {%- endif %}
            then {{ value }}
    end)
{%- endmacro %}

{#- 1.96 standard deviations of the number of values below the percentile. -#}
{% macro percentile_spread(places, share) -%}
    1.959963984540054 * sqrt({{ places }} * {{ share * (1 - share) }})
{%- endmacro %}
