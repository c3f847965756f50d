-- Lower case, everything but letters and digits a blank; accents and other scripts are gone by then.
create or replace temp macro folded(t) as nullif(trim(regexp_replace(lower(t), '[^0-9a-z]+', ' ', 'g')), '');

-- A person's name without what is not one; a full stop ends an initial.
create or replace temp macro called(t) as case
    when folded(t) in ('test', 'unknown', 'none', 'null', 'na', 'n a', 'nan') then null
    else nullif(replace(folded(t), ' ', ''), '')
end;

-- The last eight digits: what remains the same whatever is dialled before them.
create or replace temp macro dialled(t) as case
    when length(regexp_replace(t, '[^0-9]', '', 'g')) >= 6 then right(regexp_replace(t, '[^0-9]', '', 'g'), 8)
end;

create or replace temp macro words_of(t) as string_split(folded(t), ' ');

-- The numbers of an address, then its words without kinds of road, each in order of the alphabet.
create or replace temp macro address_key(t, road_words) as nullif(concat_ws(
    ' ',
    array_to_string(list_sort(list_filter(words_of(t), w -> regexp_matches(w, '^[0-9]'))), ' '),
    array_to_string(
        list_sort(list_filter(words_of(t), w -> not regexp_matches(w, '^[0-9]') and not list_contains(road_words, w))), ' '
    )
), '');
