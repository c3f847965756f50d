{#- Survival estimates over a relation with the columns of `groups`, `duration` (days) and `outcome`: 1 the event, 2 a competing
    event, 0 still going on (censored). Grain of the result: groups, duration at which the event or a competing one happened. -#}

{#- Aalen-Johansen: cumulative_incidence is the share that has had the event by `duration`; without competing events it is one
    minus Kaplan-Meier. Share still without either event: survival. -#}
{% macro cumulative_incidence(relation, groups) -%}
    select
        {{ groups | join(', ') }},
        duration,
        at_risk,
        followed_to,
        exp(log_survival) as survival,
        -- Greenwood: standard error of the survival where nothing competes
        exp(log_survival) * sqrt(sum(case when at_risk > events then events / (at_risk * (at_risk - events)) else 0 end) over (
            partition by {{ groups | join(', ') }} order by duration rows between unbounded preceding and current row
        )) as standard_error,
        sum(exp(log_survival_before) * events / at_risk) over (
            partition by {{ groups | join(', ') }} order by duration rows between unbounded preceding and current row
        ) as cumulative_incidence
    from (
        select
            *,
            sum(log_step) over (
                partition by {{ groups | join(', ') }} order by duration rows between unbounded preceding and current row
            ) as log_survival,
            coalesce(sum(log_step) over (
                partition by {{ groups | join(', ') }} order by duration rows between unbounded preceding and 1 preceding
            ), 0) as log_survival_before
        from (
            select
                *,
                -- the last one leaving takes survival to 0, whose logarithm does not exist
                ln(greatest(1 - cast(events + competing as double) / at_risk, 1e-300)) as log_step
            from (
                select
                    {{ groups | join(', ') }},
                    duration,
                    events,
                    competing,
                    sum(leaving) over (
                        partition by {{ groups | join(', ') }}
                        order by duration desc rows between unbounded preceding and current row
                    ) as at_risk,
                    max(duration) over (partition by {{ groups | join(', ') }}) as followed_to
                from (
                    select
                        {{ groups | join(', ') }},
                        duration,
                        cast(sum(case when outcome = 1 then 1 else 0 end) as double) as events,
                        cast(sum(case when outcome = 2 then 1 else 0 end) as double) as competing,
                        cast(count(*) as double) as leaving
                    from {{ relation }}
                    group by {{ groups | join(', ') }}, duration
                ) as counted
            ) as risked
        ) as stepped
    ) as cumulated
{%- endmacro %}

{#- The first duration by which half have had the event; null where that many never do within what is known. median_low and
    median_high are the durations at which the 95 % band of the curve crosses one half; they say nothing of competing events. -#}
{% macro median_time_to_event(relation, groups) -%}
    select
        {{ groups | join(', ') }},
        min(case when cumulative_incidence >= 0.5 - 1e-12 then duration end) as median_duration,
        -- fewer than six say nothing about where the median lies
        case when max(at_risk) >= 6
            then min(case when survival - 1.959963984540054 * standard_error <= 0.5 + 1e-12 then duration end)
        end as median_low,
        case when max(at_risk) >= 6
            then min(case when survival + 1.959963984540054 * standard_error <= 0.5 + 1e-12 then duration end)
        end as median_high
    from (
        {{ cumulative_incidence(relation, groups) }}
    ) as curve
    group by {{ groups | join(', ') }}
{%- endmacro %}
