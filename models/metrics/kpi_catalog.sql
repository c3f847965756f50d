-- What does each KPI mean, how is it computed, who owns it?
-- Grain: kpi, variant. The definitions are written beside each mart, in the YAML of its name.
-- Left out: nothing.

{% set marts = graph.nodes.values() | selectattr('config.meta.kpi', 'defined') | sort(attribute='name') if execute else [] -%}

{% for mart in marts -%}
{% set kpi = mart.config.meta.kpi -%}
{% set mart_is_last = loop.last -%}
{% for variant, reading in kpi.variants.items() -%}
select
    cast('{{ mart.name }}' as {{ dbt.type_string() }}) as kpi,
    cast('{{ variant }}' as {{ dbt.type_string() }}) as variant,
    cast('{{ reading.title }}' as {{ dbt.type_string() }}) as title,
    cast('{{ kpi.question }}' as {{ dbt.type_string() }}) as question,
    cast('{{ reading.formula }}' as {{ dbt.type_string() }}) as formula,
    cast('{{ reading.clock }}' as {{ dbt.type_string() }}) as clock,
    cast('{{ reading.basis }}' as {{ dbt.type_string() }}) as basis,
    cast('{{ reading.unit }}' as {{ dbt.type_string() }}) as unit,
    cast('{{ kpi.direction }}' as {{ dbt.type_string() }}) as direction,
    cast('{{ mart.config.meta.owner }}' as {{ dbt.type_string() }}) as owner,
    cast('{{ mart.original_file_path }}' as {{ dbt.type_string() }}) as model,
    cast('{{ kpi.definition_version }}' as {{ dbt.type_string() }}) as definition_version,
    {{ text_array(kpi.inputs) }} as inputs
{% if not (mart_is_last and loop.last) %}union all{% endif %}
{% endfor -%}
{% else -%}
select 1 as nothing
{% endfor -%}
