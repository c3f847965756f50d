{#- ISO 3166-1 alpha-2 code of a country: the first of these fields in `custom` that has two letters. -#}
{% macro country_code(custom, fields) -%}
    coalesce(
        {%- for field in fields %}
        case
            when length(trim({{ json_text(custom, field) }})) = 2 then upper(trim({{ json_text(custom, field) }}))
        end{{ ',' if not loop.last }}
        {%- endfor %}
    )
{%- endmacro %}
